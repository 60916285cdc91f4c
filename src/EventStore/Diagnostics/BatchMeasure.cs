namespace EventStore.Diagnostics;

/// <summary>What was measured of a batch.</summary>
/// <param name="Commits">The commits sent at once.</param>
/// <param name="Seconds">How long the engine took; null where no application listens for it.</param>
internal sealed record BatchMeasure(int Commits, double? Seconds);
