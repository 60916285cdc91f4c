using System.Collections.Concurrent;

namespace EventStore.Conformance;

/// <summary>What the specifications of consumers share: a handler that notes what it sees, and options for small stores.</summary>
public abstract class ConsumerFacts<TBackend> : Specification<TBackend> where TBackend : IBackend, new()
{
    /// <summary>How long a holder may be silent. Longer than any machine is slow: where a fact is about it, it lets the time pass.</summary>
    protected static TimeSpan Term { get; } = TimeSpan.FromSeconds(20);

    /// <summary>The bodies seen by <see cref="See"/>, in order.</summary>
    protected ConcurrentQueue<string> Seen { get; } = new();

    /// <summary>A handler that notes the body of each event.</summary>
    protected ValueTask See(CommittedEvent committed, CancellationToken cancellationToken)
    {
        Seen.Enqueue((string)committed.Body);
        return default;
    }

    /// <summary>Options whose waits are short and whose lease outlives a slow machine.</summary>
    protected static ConsumerOptions Quick(Action<ConsumerOptions>? configure = null)
    {
        var options = new ConsumerOptions
        {
            PollInterval = TimeSpan.FromMilliseconds(100),
            FirstRetryDelay = TimeSpan.FromMilliseconds(5),
            MaxRetryDelay = TimeSpan.FromMilliseconds(50),
            CheckpointInterval = TimeSpan.FromMilliseconds(100),
            LeaseTerm = Term,
        };
        configure?.Invoke(options);
        return options;
    }

    /// <summary>Appends so many events to one stream, one a commit, numbered from a first on.</summary>
    protected static async Task AppendManyAsync(IEventStore store, int first, int count)
    {
        for (var i = first; i < first + count; i++) await store.AppendAsync("stream", $"{i}");
    }
}
