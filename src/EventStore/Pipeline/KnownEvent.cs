namespace EventStore.Pipeline;

/// <summary>An event that was read before, by which a stream is recognised: a checkpoint is never used twice.</summary>
internal readonly record struct KnownEvent(Revision Revision, Checkpoint Checkpoint)
{
    public static KnownEvent Of(in RecordedEvent recorded) => new(recorded.Revision, recorded.Checkpoint);
}
