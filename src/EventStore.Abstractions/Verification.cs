namespace EventStore;

/// <summary>How far a verification is.</summary>
/// <param name="EventsChecked">Events checked so far.</param>
/// <param name="EventsExpected">Events to check; null while unknown.</param>
public readonly record struct VerificationProgress(long EventsChecked, long? EventsExpected);

/// <summary>What a verification found.</summary>
/// <param name="CommitsChecked">Commits checked.</param>
/// <param name="EventsChecked">Events checked.</param>
/// <param name="Damages">All damages; empty if there are none.</param>
public sealed record VerificationReport(long CommitsChecked, long EventsChecked, IReadOnlyList<Damage> Damages)
{
    /// <summary>Whether nothing is damaged.</summary>
    public bool IsSound => Damages.Count == 0;
}

/// <summary>Damage at a place.</summary>
/// <param name="Place">Where: a file and offset, a table and key, a stream and revision.</param>
/// <param name="Problem">What is wrong there.</param>
/// <param name="Advice">What to do about it.</param>
public sealed record Damage(string Place, string Problem, string Advice);
