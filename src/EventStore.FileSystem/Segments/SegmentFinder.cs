using EventStore.FileSystem.Bytes;

namespace EventStore.FileSystem.Segments;

/// <summary>Finds the files of segments and reads their heads. Changes nothing.</summary>
internal sealed class SegmentFinder(LogSegments segments)
{
    /// <summary>Adds all segments; returns the files that do not continue them, which only an interrupted backup leaves behind.</summary>
    /// <exception cref="CorruptStorageException">One is missing or damaged.</exception>
    public IReadOnlyList<string> TakeAll()
    {
        var names = segments.Disk.List(LogSegments.Folder).Where(name => name.EndsWith(".seg", StringComparison.Ordinal)).ToList();
        var found = new List<Segment>();
        long? previousEnd = null;
        for (var i = 0; i < names.Count; i++)
        {
            var path = LogSegments.PathOf(i + 1);
            Segment? taken = null;
            var problem = $"{LogSegments.Folder}/{names[i]}" == path ? null : Damage(path, "the segment is missing, but later ones exist.");
            if (problem is null)
            {
                taken = Take(i + 1, out var end, isLast: i + 1 == names.Count);
                if (previousEnd is { } expected && taken.Base != expected)
                    problem = Damage(
                        LogSegments.PathOf(i), $"the segment ends at address {expected}, but the next one begins at {taken.Base}.");
                previousEnd = end;
            }

            if (problem is null) found.Add(taken!);
            else if (i == 0 || !segments.Disk.Exists(CopyMarks.Copying)) throw problem;
            else break;
        }

        segments.Add(found);
        return [.. names.Skip(found.Count).Select(name => $"{LogSegments.Folder}/{name}")];
    }

    /// <summary>Adds the segment that begins where the newest known one ends, if it has appeared since.</summary>
    public bool TryTakeNext(long position)
    {
        var number = segments.All[^1].Number + 1;
        if (!segments.Disk.Exists(LogSegments.PathOf(number))) return false;
        var taken = Take(number, out _, isLast: true);
        if (taken.Base != position) return false;
        segments.Add(taken);
        return true;
    }

    private Segment Take(long number, out long end, bool isLast)
    {
        var path = LogSegments.PathOf(number);
        using var file = segments.OpenFile(path);
        var length = file.Length;
        var header = SegmentFile.ReadHeader(file, $"{segments.Disk.Root}/{path}", out var problem);
        if (problem is not null) throw Damage(path, problem);
        if (header.StoreId != segments.StoreId || header.Number != number)
            throw Damage(path, "the segment belongs to another store or another place in this one.");
        if (isLast && length < Format.SegmentHeaderLength) throw Damage(path, "the segment is shorter than its header.");
        if (length > Format.MaxSegmentLength) throw Damage(path, "the segment is longer than any that a store has.");
        end = header.Base + length;
        return new Segment(number, header.Base, header.FirstCheckpoint, header.Chain);
    }

    private CorruptStorageException Damage(string path, string problem) => new($"{segments.Disk.Root}/{path}", problem, SegmentFile.Advice);
}
