namespace EventStore.Deliveries;

/// <summary>What was parked, and what was taken off the parked ones, since the last write. Guarded by its owner.</summary>
internal sealed class ParkedChanges
{
    private readonly List<CheckpointRange> parked = [];
    private readonly List<CheckpointRange> unparked = [];

    public bool IsEmpty => parked.Count == 0 && unparked.Count == 0;

    public void Park(long first, long last) => parked.Add(new(first, last));

    public void Unpark(long checkpoint) => unparked.Add(CheckpointRange.Of(checkpoint));

    /// <summary>The changes so far. Pass them to <see cref="Remove"/> after they are written.</summary>
    public Taken Take() => new([.. parked], [.. unparked]);

    /// <summary>Removes changes that are written. New ones were added after them, as writes do not overlap.</summary>
    public void Remove(Taken written)
    {
        parked.RemoveRange(0, written.Parked.Count);
        unparked.RemoveRange(0, written.Unparked.Count);
    }

    internal readonly record struct Taken(IReadOnlyList<CheckpointRange> Parked, IReadOnlyList<CheckpointRange> Unparked);
}
