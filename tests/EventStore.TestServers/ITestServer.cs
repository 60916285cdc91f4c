namespace EventStore.TestServers;

/// <summary>A server that tests may use. It goes when it is disposed, if it was started for them.</summary>
public interface ITestServer : IAsyncDisposable
{
    /// <summary>What its driver connects to: a connection string.</summary>
    string Address { get; }

    /// <summary>Where it came from, in words.</summary>
    string Origin { get; }
}

/// <summary>A server that was there before and stays.</summary>
internal sealed record GivenServer(string Address, string Origin) : ITestServer
{
    public ValueTask DisposeAsync() => default;
}
