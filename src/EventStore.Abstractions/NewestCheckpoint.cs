namespace EventStore.Engines;

/// <summary>The newest checkpoint that an engine has seen. It only grows, whatever the order of the threads that report.</summary>
public sealed class NewestCheckpoint
{
    private long newest;

    /// <summary>The newest checkpoint seen; the origin before any.</summary>
    public Checkpoint Value => new(Volatile.Read(ref newest));

    /// <summary>Records a checkpoint. Without effect unless it is newer.</summary>
    /// <param name="seen">A checkpoint that can be read.</param>
    public void Raise(Checkpoint seen)
    {
        var known = Volatile.Read(ref newest);
        while (seen.Value > known)
        {
            var before = Interlocked.CompareExchange(ref newest, seen.Value, known);
            if (before == known) return;
            known = before;
        }
    }
}
