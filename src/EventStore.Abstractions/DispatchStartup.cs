namespace EventStore;

/// <summary>When a dispatch scheduler starts.</summary>
public enum DispatchStartup
{
    /// <summary>When the store is built.</summary>
    Auto,

    /// <summary>When the application calls <see cref="IDispatch.StartAsync"/>.</summary>
    Explicit,
}
