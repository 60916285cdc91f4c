using EventStore.FileSystem.Bytes;

namespace EventStore.FileSystem.Index;

/// <summary>The commits of a memtable by category and by tag, in the order of their checkpoints. Guarded by the memtable.</summary>
internal sealed class TermTable
{
    private readonly StreamTable terms;

    // Most commits have the category of the one before.
    private int lastCategory = -1;

    public TermTable()
        : this(new StreamTable())
    {
    }

    private TermTable(StreamTable terms) => this.terms = terms;

    public int Count => terms.Count;

    /// <summary>An empty one, with room for as much as this one holds.</summary>
    public TermTable Successor() => new(terms.Successor());

    /// <summary>Adds a commit to its category.</summary>
    public void AddToCategory(ReadOnlySpan<byte> headKey, in CommitPlace place)
    {
        var category = headKey[..IndexKeys.CategoryLength(headKey)];
        if (lastCategory < 0 || !terms.KeyOf(lastCategory)[1..].SequenceEqual(category[1..])) lastCategory = FindOrAdd(category);
        terms.AddCommit(lastCategory, place.LastCheckpoint, place.Position);
    }

    private int FindOrAdd(ReadOnlySpan<byte> category)
    {
        Span<byte> term = stackalloc byte[IndexKeys.MaxTermLength];
        category.CopyTo(term);
        term[0] = IndexKeys.Category;
        return terms.FindOrAdd(term[..category.Length]);
    }

    /// <summary>Adds a commit to a term; false if it is there already.</summary>
    public bool Add(ReadOnlySpan<byte> term, in CommitPlace place)
    {
        var found = terms.FindOrAdd(term);
        if (terms.LastRevisionOf(found) >= place.LastCheckpoint) return false;
        terms.AddCommit(found, place.LastCheckpoint, place.Position);
        return true;
    }

    /// <summary>Copies the commits of a term that end at or after a checkpoint, so many at most.</summary>
    public void Copy(ReadOnlySpan<byte> term, long fromCheckpoint, int limit, List<(long Last, long Position)> into)
    {
        var found = terms.Find(term);
        if (found < 0) return;
        for (var walk = terms.CommitsFrom(found, fromCheckpoint); into.Count < limit && walk.Next();)
            into.Add((walk.LastRevision, walk.Position));
    }

    /// <summary>The newest checkpoint of the terms that begin in a way; 0 for none.</summary>
    public long NewestIn(ReadOnlySpan<byte> beginning)
    {
        var newest = 0L;
        for (var rank = terms.Rank(beginning); rank < terms.Count && terms.KeyOf(terms.At(rank)).StartsWith(beginning); rank++)
            newest = Math.Max(newest, terms.LastRevisionOf(terms.At(rank)));
        return newest;
    }

    public void Sort() => terms.Rank([]);

    /// <summary>Writes the commits of the terms of a kind, in the order of their keys.</summary>
    public void WriteTo(RunWriter run, byte kind)
    {
        Span<byte> key = stackalloc byte[IndexKeys.MaxTermLength];
        Span<byte> value = stackalloc byte[Varint.MaxLength];
        for (var rank = terms.Rank([kind]); rank < terms.Count && terms.KeyOf(terms.At(rank))[0] == kind; rank++)
        {
            var term = terms.At(rank);
            for (var walk = terms.CommitsFrom(term, 0); walk.Next();)
            {
                var length = IndexKeys.WriteTerm(key, terms.KeyOf(term), walk.LastRevision);
                run.Add(key[..length], value[..Varint.Write(value, walk.Position)]);
            }
        }
    }
}

/// <summary>Where a commit is.</summary>
/// <param name="Position">The address of its frame.</param>
/// <param name="CommitId">Its id.</param>
/// <param name="FirstCheckpoint">The checkpoint of its first event.</param>
/// <param name="LastCheckpoint">The checkpoint of its last event.</param>
internal readonly record struct CommitPlace(long Position, Guid CommitId, long FirstCheckpoint, long LastCheckpoint);
