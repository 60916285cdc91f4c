namespace EventStore.FileSystem.Index;

/// <summary>Walks entries in the order of their keys. Stands nowhere until it was sent somewhere.</summary>
internal abstract class EntryCursor
{
    /// <summary>The key it stands at. Valid until it moves.</summary>
    public abstract ReadOnlySpan<byte> Key { get; }

    /// <summary>The value it stands at. Valid until it moves.</summary>
    public abstract ReadOnlySpan<byte> Value { get; }

    /// <summary>Goes to the first entry at or after a key; false if there is none.</summary>
    public abstract bool Seek(ReadOnlySpan<byte> key);

    /// <summary>Goes to the next entry; false if there is none.</summary>
    public abstract bool Next();
}

/// <summary>Several cursors as one. Of equal keys only the entry of the newest counts.</summary>
/// <param name="newestFirst">The cursors, that over the newest part of the log first.</param>
internal sealed class MergedCursor(IReadOnlyList<EntryCursor> newestFirst) : EntryCursor
{
    private readonly bool[] stands = new bool[newestFirst.Count];
    private int at;

    public override ReadOnlySpan<byte> Key => newestFirst[at].Key;

    public override ReadOnlySpan<byte> Value => newestFirst[at].Value;

    public override bool Seek(ReadOnlySpan<byte> key)
    {
        for (var i = 0; i < stands.Length; i++) stands[i] = newestFirst[i].Seek(key);
        return Choose();
    }

    public override bool Next()
    {
        var key = Key;
        for (var i = stands.Length - 1; i >= 0; i--)
        {
            if (i != at && stands[i] && newestFirst[i].Key.SequenceEqual(key)) stands[i] = newestFirst[i].Next();
        }

        stands[at] = newestFirst[at].Next();
        return Choose();
    }

    private bool Choose()
    {
        at = -1;
        for (var i = 0; i < stands.Length; i++)
        {
            if (stands[i] && (at < 0 || newestFirst[i].Key.SequenceCompareTo(newestFirst[at].Key) < 0)) at = i;
        }

        return at >= 0;
    }
}
