namespace EventStore.Retention;

/// <summary>How many events the streams of a category keep.</summary>
/// <param name="Category">The category; empty for streams without one.</param>
/// <param name="Options">The limits.</param>
internal sealed record RetentionPolicy(string Category, RetentionOptions Options);

/// <summary>The policies of a store, and how often they are applied.</summary>
/// <param name="Policies">The policies, in the order of the wireup.</param>
/// <param name="Interval">The time between two applications; null where the application calls for them.</param>
internal sealed record RetentionPlan(IReadOnlyList<RetentionPolicy> Policies, TimeSpan? Interval)
{
    public static TimeSpan DefaultInterval { get; } = TimeSpan.FromHours(1);
}
