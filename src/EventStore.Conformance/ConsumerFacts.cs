using System.Collections.Concurrent;

namespace EventStore.Conformance;

/// <summary>Shared by the specifications of consumers: a handler that records events, and options for small stores.</summary>
public abstract class ConsumerFacts<TBackend> : Specification<TBackend> where TBackend : IBackend, new()
{
    /// <summary>The lease term. Longer than a slow machine needs; facts about it advance the clock.</summary>
    protected static TimeSpan Term { get; } = TimeSpan.FromSeconds(20);

    /// <summary>The bodies seen by <see cref="See"/>, in order.</summary>
    protected ConcurrentQueue<string> Seen { get; } = new();

    /// <summary>A handler that records the body of each event.</summary>
    protected ValueTask See(CommittedEvent committed, CancellationToken cancellationToken)
    {
        Seen.Enqueue((string)committed.Body);
        return default;
    }

    /// <summary>Options with short waits, and a lease term longer than a slow machine needs.</summary>
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

    /// <summary>Appends a number of events to one stream, one in each commit, with consecutive numbers.</summary>
    protected static async Task AppendManyAsync(IEventStore store, int first, int count)
    {
        for (var i = first; i < first + count; i++) await store.AppendAsync("stream", $"{i}");
    }
}
