using EventStore.Diagnostics;

namespace EventStore.Pipeline;

/// <summary>What became of an attempt that was submitted to the group commit.</summary>
/// <param name="Outcome">The outcome.</param>
/// <param name="WasSettled">Whether it was unknown at first.</param>
/// <param name="Batch">What its batch measured, for one attempt of the batch; null for the others, and without listeners.</param>
internal readonly record struct Submitted(CommitOutcome Outcome, bool WasSettled, BatchMeasure? Batch);
