namespace EventStore.Sqlite;

/// <summary>
/// The commits that an index lists for a category or a tag, by the checkpoints they begin with, found a few at a time. Used within one
/// transaction.
/// </summary>
internal sealed class SqliteTerm
{
    private const int LeastEntries = 4;
    private const int MostEntries = 256;
    private readonly SqliteSession session;
    private readonly string bucket;
    private readonly string name;
    private readonly bool forward;
    private readonly string[] files;
    private long[] found = [];
    private int wanted = LeastEntries;
    private int count;
    private int at;
    private int returned;
    private int file;

    private SqliteTerm(SqliteSession session, (string Bucket, string Name) term, bool forward, string[] files)
    {
        (this.session, bucket, name) = (session, term.Bucket, term.Name);
        (this.forward, this.files) = (forward, files);
    }

    /// <summary>What stands for no entry: beyond every checkpoint in the direction of the search.</summary>
    public static long None(bool forward) => forward ? long.MaxValue : 0;

    public static SqliteTerm OfTag(SqliteSession session, string bucket, string tag, bool forward) =>
        new(session, (bucket, tag), forward, [forward ? "find-tagged-forward" : "find-tagged-backward"]);

    // The newest commits have no entries by category yet.
    public static SqliteTerm OfCategory(SqliteSession session, string bucket, string category, bool forward) =>
        new(session, (bucket, category), forward, forward
            ? ["find-category-forward", "find-recent-of-category-forward"]
            : ["find-recent-of-category-backward", "find-category-backward"]);

    /// <summary>The first entry at or beyond a checkpoint. Checkpoints are asked for in the direction of the search.</summary>
    public long Seek(long from)
    {
        while (at < count && (forward ? found[at] < from : found[at] > from)) at++;
        if (at == count) Fill(from);
        if (at == count) return None(forward);
        returned = at + 1;
        return found[at];
    }

    // More are fetched at once while all of them are wanted; where others decide, what is passed over costs little.
    private void Fill(long from)
    {
        wanted = returned >= wanted / 2 ? Math.Min(wanted * 4, MostEntries) : LeastEntries;
        if (found.Length < wanted) found = new long[wanted];
        (at, count, returned) = (0, 0, 0);
        for (; file < files.Length; file++)
        {
            var row = session.Prepare(files[file]).Bind(1, bucket).Bind(2, name).Bind(3, from).Bind(4, wanted - count);
            try
            {
                while (row.Step()) found[count++] = row.Number(0);
            }
            finally
            {
                row.Reset();
            }

            if (count == wanted) return;
        }
    }
}

/// <summary>
/// The commits that may hold events of criteria, each once and in order: those that every term of one of the criteria lists. The cost is
/// that of the rarest term of each, because every term is searched from where the others are.
/// </summary>
internal sealed class SqliteCandidates
{
    private readonly SqliteTerm[][] criteria;
    private readonly long[] nearest;
    private readonly bool forward;
    private int left;

    /// <param name="session">The session, within a transaction.</param>
    /// <param name="criteria">Criteria of which each names a category or a tag.</param>
    /// <param name="forward">The direction.</param>
    /// <param name="budget">After how many searches every entry is returned, also where terms exclude one another.</param>
    public SqliteCandidates(SqliteSession session, EventCriteria criteria, bool forward, int budget)
    {
        (this.forward, left) = (forward, budget);

        // Those that differ only in what no index knows have the same terms.
        this.criteria = [.. criteria.Any.Select(criterion => criterion with { Id = null, Types = null }).Distinct()
            .Select(criterion => TermsOf(session, criterion, forward))];
        nearest = new long[this.criteria.Length];
        Array.Fill(nearest, forward ? -1 : long.MaxValue);
    }

    /// <summary>Whether the budget is spent, so that a page should end.</summary>
    public bool IsSpent => left <= 0;

    /// <summary>What <see cref="Seek"/> returns for none.</summary>
    public long None => SqliteTerm.None(forward);

    /// <summary>The first candidate at or beyond a checkpoint. Checkpoints are asked for in the direction of the search.</summary>
    public long Seek(long from)
    {
        var first = None;
        for (var i = 0; i < criteria.Length; i++)
        {
            if (forward ? nearest[i] < from : nearest[i] > from) nearest[i] = Agree(criteria[i], from);
            first = forward ? Math.Min(first, nearest[i]) : Math.Max(first, nearest[i]);
        }

        return first;
    }

    private static SqliteTerm[] TermsOf(SqliteSession session, EventCriterion criterion, bool forward)
    {
        var terms = criterion.Tags.Select(tag => SqliteTerm.OfTag(session, criterion.Bucket, tag, forward));
        return criterion.Category is { } category
            ? [.. terms, SqliteTerm.OfCategory(session, criterion.Bucket, category, forward)]
            : [.. terms];
    }

    private long Agree(SqliteTerm[] terms, long from)
    {
        var agreed = 0;
        for (var (i, next) = (0, from); ; i = (i + 1) % terms.Length)
        {
            left--;
            var found = terms[i].Seek(next);
            agreed = found == next ? agreed + 1 : 1;
            if (agreed == terms.Length || found == None || IsSpent) return found;
            next = found;
        }
    }
}
