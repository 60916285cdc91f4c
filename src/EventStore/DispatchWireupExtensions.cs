using EventStore.Composition;
using EventStore.Dispatch;

namespace EventStore;

/// <summary>The wireup methods of dispatch.</summary>
public static class DispatchWireupExtensions
{
    /// <summary>
    /// Dispatches each commit before it returns to its caller. A failing dispatch never fails the commit; it is tried again in the
    /// background. If another process holds the lease, that process dispatches, and the commit returns without waiting for it. The lease of
    /// a process that is known to be dead is taken over before the store is built.
    /// </summary>
    public static Wireup UsingSynchronousDispatchScheduler(this Wireup wireup, Action<DispatchOptions>? configure = null) =>
        Schedule(wireup, nameof(UsingSynchronousDispatchScheduler), SchedulerKind.Synchronous, configure);

    /// <summary>Dispatches in the background, so that no commit waits for it.</summary>
    public static Wireup UsingAsynchronousDispatchScheduler(this Wireup wireup, Action<DispatchOptions>? configure = null) =>
        Schedule(wireup, nameof(UsingAsynchronousDispatchScheduler), SchedulerKind.Asynchronous, configure);

    /// <summary>Dispatches to an object, which the application disposes.</summary>
    public static Wireup DispatchTo(this Wireup wireup, IDispatchCommits dispatcher)
    {
        ArgumentNullException.ThrowIfNull(dispatcher);
        return To(wireup, dispatcher, isPerEvent: false);
    }

    /// <summary>Dispatches commits to a delegate.</summary>
    public static Wireup DispatchTo(this Wireup wireup, Func<Commit, CancellationToken, ValueTask> dispatch)
    {
        ArgumentNullException.ThrowIfNull(dispatch);
        return To(wireup, new DelegateDispatcher(dispatch), isPerEvent: false);
    }

    /// <summary>Dispatches events to a delegate. Each event is retried and marked by itself.</summary>
    public static Wireup DispatchTo(this Wireup wireup, Func<CommittedEvent, CancellationToken, ValueTask> dispatch)
    {
        ArgumentNullException.ThrowIfNull(dispatch);
        return To(wireup, new DelegateEventDispatcher(dispatch), isPerEvent: true);
    }

    /// <summary>Sets when the scheduler starts. Default: with the store.</summary>
    /// <exception cref="InvalidOptionException">The value is no member of its enumeration.</exception>
    public static Wireup Startup(this Wireup wireup, DispatchStartup startup)
    {
        ArgumentNullException.ThrowIfNull(wireup);
        return wireup.Choose(nameof(Startup), new StartupChoice(OptionRules.RequireDefinedOf(nameof(Startup), startup)));
    }

    /// <summary>Does not track dispatch: no event counts as undispatched.</summary>
    public static Wireup DoNotDispatchCommits(this Wireup wireup)
    {
        ArgumentNullException.ThrowIfNull(wireup);
        return wireup.Choose(nameof(DoNotDispatchCommits), new UntrackedChoice());
    }

    private static Wireup Schedule(Wireup wireup, string verb, SchedulerKind kind, Action<DispatchOptions>? configure)
    {
        ArgumentNullException.ThrowIfNull(wireup);
        var options = new DispatchOptions();
        configure?.Invoke(options);
        return wireup.Choose(verb, new SchedulerChoice(kind, options.Validated()));
    }

    private static Wireup To(Wireup wireup, IDispatchCommits dispatcher, bool isPerEvent)
    {
        ArgumentNullException.ThrowIfNull(wireup);
        return wireup.Choose(nameof(DispatchTo), new DispatcherChoice(dispatcher, isPerEvent));
    }
}
