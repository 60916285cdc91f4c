namespace EventStore.Testing;

/// <summary>How a call of a <see cref="FailingEngine"/> fails.</summary>
public enum EngineFailure
{
    /// <summary>Nothing is carried out: <see cref="StorageUnavailableException"/>.</summary>
    Unavailable,

    /// <summary>
    /// A write is carried out, and its outcome is lost: <see cref="Engines.BatchOutcomeUnknownException"/>. A read is unavailable.
    /// </summary>
    LostAfter,

    /// <summary>
    /// A write is not carried out, and its outcome is lost: <see cref="Engines.BatchOutcomeUnknownException"/>. A read is unavailable.
    /// </summary>
    LostBefore,

    /// <summary>The call is carried out after a delay.</summary>
    Slow,

    /// <summary>
    /// A commit that expects a revision or has a condition is refused, as if another writer had been faster. Other calls are carried out.
    /// </summary>
    Conflict,

    /// <summary>
    /// The process dies before the call is carried out: this and every later call is unavailable, until the engine recovers. Dispose the
    /// store then, and build another one over the engine.
    /// </summary>
    CrashBefore,

    /// <summary>The process dies after the call was carried out, and before its result arrives.</summary>
    CrashAfter,
}

/// <summary>The plan by which an engine fails.</summary>
/// <param name="Every">
/// One call in so many fails; at least 1. Which of them differs, by a fixed rule: with every third call, a loop of three calls might fail
/// at the same one for ever. Commits are counted apart, because they are few among many reads.
/// </param>
/// <param name="Failures">How they fail, one after the other and again from the first.</param>
public sealed record FailurePlan(int Every, params IReadOnlyList<EngineFailure> Failures)
{
    // Multiplied by it, successive numbers are spread evenly (Fibonacci hashing).
    private const uint Spread = 2_654_435_769;

    /// <summary>Whether a call fails, of which one in so many does.</summary>
    /// <param name="call">The number of the call, from 0 on.</param>
    /// <param name="every">One call in so many.</param>
    internal static bool IsDue(long call, int every) => call % every == (unchecked((uint)(call / every) * Spread) >> 16) % every;

    /// <summary>No call fails by itself, only commits as <see cref="FailingEngine.FailNext"/> says.</summary>
    public static FailurePlan None { get; } = new(1);

    /// <summary>Whether waiting readers miss every commit until they ask again by themselves, as where notifications are lost.</summary>
    public bool LosesWakeUps { get; init; }

    /// <summary>How long a slow call is delayed, by the clock of the engine that fails.</summary>
    public TimeSpan Delay { get; init; } = TimeSpan.FromMilliseconds(20);
}
