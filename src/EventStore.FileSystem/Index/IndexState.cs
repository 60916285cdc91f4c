using System.Collections.Immutable;
using EventStore.FileSystem.Bytes;

namespace EventStore.FileSystem.Index;

/// <summary>
/// The parts of the index at one moment. A reader that holds it sees every entry up to then, whatever is frozen, written or merged
/// meanwhile.
/// </summary>
/// <param name="Active">Receives what is written now.</param>
/// <param name="Frozen">Is becoming a run; null when none is.</param>
/// <param name="Runs">The runs, oldest part of the log first.</param>
internal sealed record IndexState(Memtable Active, Memtable? Frozen, ImmutableArray<RunFile> Runs)
{
    /// <summary>A cursor over everything.</summary>
    public MergedCursor OpenCursor()
    {
        var cursors = new List<EntryCursor> { new MemtableCursor(Active) };
        if (Frozen is not null) cursors.Add(new MemtableCursor(Frozen));
        for (var i = Runs.Length - 1; i >= 0; i--) cursors.Add(Runs[i].OpenCursor());
        return new MergedCursor(cursors);
    }

    /// <summary>A cursor over the parts that may hold what a filtered key begins with.</summary>
    public MergedCursor OpenCursor(ReadOnlySpan<byte> filteredPart)
    {
        var hash = RunFormat.HashOf(filteredPart);
        var cursors = new List<EntryCursor> { new MemtableCursor(Active) };
        if (Frozen is not null) cursors.Add(new MemtableCursor(Frozen));
        for (var i = Runs.Length - 1; i >= 0; i--)
        {
            if (Runs[i].MayHold(hash)) cursors.Add(Runs[i].OpenCursor());
        }

        return new MergedCursor(cursors);
    }

    /// <summary>The newest value of a key, which is empty where it was taken back; false where the key is unknown.</summary>
    public bool TryFind(ReadOnlySpan<byte> key, out byte[] value)
    {
        if (key[0] != IndexKeys.Head && (Active.TryFind(key, out value) || (Frozen?.TryFind(key, out value) ?? false))) return true;
        return TryFindInRuns(key, out value);
    }

    public bool TryFindInRuns(ReadOnlySpan<byte> key, out byte[] value)
    {
        value = [];
        if (Runs.IsEmpty) return false;
        var hash = RunFormat.HashOf(IndexKeys.FilteredPart(key));
        for (var i = Runs.Length - 1; i >= 0; i--)
        {
            if (!Runs[i].MayHold(hash)) continue;
            var cursor = Runs[i].OpenCursor();
            if (!cursor.Seek(key) || !cursor.Key.SequenceEqual(key)) continue;
            value = cursor.Value.ToArray();
            return true;
        }

        return false;
    }
}
