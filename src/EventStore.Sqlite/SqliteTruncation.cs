using Dapper;

namespace EventStore.Sqlite;

/// <summary>
/// Truncates streams. The row of a truncated commit stays without its events, so that its id stays known (G55). A long truncation is made
/// in steps, each a transaction and a truncation of its own. So other writers get their turn, and what is broken off is a shorter one.
/// </summary>
internal static class SqliteTruncation
{
    private const int MaxCommitsPerStep = 1_024;
    private const long MaxBytesPerStep = 16 << 20;
    private static readonly string[] Files = ["read-revisions-forward", "read-gathered-forward", "read-recent-forward"];

    /// <summary>Removes the next events below a revision, and returns whether none is left there.</summary>
    public static (StreamChange Change, bool IsDone) Step(
        SqliteSession session, StreamId stream, Revision before, StreamExpectation expected)
    {
        var head = SqliteHeads.Find(session, stream);
        if (SqliteHeads.Refuse(head, expected) is { } refused) return (refused, true);
        var first = new Revision(Math.Min(before.Value, head!.Revision.Value + 1));
        if (first <= head.FirstRevision) return (new StreamChange(StreamChangeKind.Unchanged, StreamState.Of(head)), true);

        var cuts = FindCuts(session, head, first);
        foreach (var cut in cuts) Shorten(session, cut);
        var changed = head with { FirstRevision = cuts[^1].Commit.FirstRevision + cuts[^1].Removed };
        SqliteHeads.Update(session, changed);
        SqliteRemoval.RaiseFloor(session, cuts[^1].Commit.FirstCheckpoint.Value + cuts[^1].Removed - 1);
        if (session.Connection.Execute(session.Sql["delete-old-snapshots"],
            new { stream = head.Incarnation.Value, revision = changed.FirstRevision.Value - 1 }) > 0)
            session.Connection.Execute(session.Sql["update-snapshot-revision"], new { stream = head.Incarnation.Value });
        return (new StreamChange(StreamChangeKind.Changed, StreamState.Of(changed)), changed.FirstRevision == first);
    }

    // Everything is read before anything is changed, because the rows that are changed are those that are read.
    private static List<Cut> FindCuts(SqliteSession session, StreamHead head, Revision first)
    {
        var cuts = new List<Cut>();
        var (next, bytes) = (head.FirstRevision.Value, 0L);
        foreach (var file in Files)
        {
            var row = session.Prepare(file).Bind(1, head.Incarnation.Value).Bind(2, next).Bind(3, first.Value - 1);
            try
            {
                while (next < first.Value && row.Step())
                {
                    var commit = session.Rows.Commit(row, head.Stream);
                    if (commit.LastRevision.Value < next) continue;
                    if (commit.FirstRevision.Value > next) throw Missing(session, head.Stream, next);
                    cuts.Add(CutOf(session, row, commit, first));
                    next = commit.LastRevision.Value + 1;
                    bytes += row.Bytes(SqliteRows.Events).Length;
                    if (cuts.Count == MaxCommitsPerStep || bytes >= MaxBytesPerStep) return cuts;
                }
            }
            finally
            {
                row.Reset();
                session.Rows.Forget();
            }
        }

        return next >= first.Value ? cuts : throw Missing(session, head.Stream, next);
    }

    private static Cut CutOf(SqliteSession session, SqliteStatement row, CommitRecord commit, Revision first)
    {
        var removed = (int)Math.Min(commit.EventCount, first.Value - commit.FirstRevision.Value);
        if (removed == commit.EventCount && row.Number(SqliteRows.Tags) == 0) return new Cut(commit, removed, [], [], 0);
        var events = session.Rows.ReadEvents(row, commit, SqliteChecksum.Of(commit.Stream), out var whole);
        var kept = events[removed..].ToArray();
        var tags = SqliteRows.TagsOf(kept);
        var gone = SqliteRows.TagsOf(events[(int)row.Number(SqliteRows.Removed)..removed]);
        gone.ExceptWith(tags);
        return new Cut(whole, removed, [.. kept.Select(recorded => recorded.Record)], gone, tags.Count);
    }

    private static void Shorten(SqliteSession session, Cut cut)
    {
        var (stream, checkpoint) = (cut.Commit.Stream, cut.Commit.FirstCheckpoint.Value);
        var commit = cut.Kept.Length > 0 ? cut.Commit : cut.Commit with { Headers = default };
        var events = new SqliteEventWriter().Write(cut.Kept);
        session.Prepare("update-commit").Bind(1, checkpoint).Bind(2, cut.Removed).Bind(3, cut.Tags)
            .Bind(4, SqliteRows.Sum(SqliteChecksum.Of(stream), commit, cut.Removed, cut.Tags, events).Value)
            .Bind(5, commit.Headers.Span).Bind(6, events).Execute();
        SqliteRemoval.DeleteTags(session, stream.Bucket, checkpoint, cut.Gone);
        if (cut.Kept.Length == 0)
            session.Prepare("delete-category").Bind(1, stream.Bucket).Bind(2, stream.Category).Bind(3, checkpoint).Execute();
    }

    private static CorruptStorageException Missing(SqliteSession session, StreamId stream, long revision) =>
        SqliteErrors.Damage(session, $"{session.Sql.Table("commits")}, stream '{stream}'", $"revision {revision} is missing.");

    /// <summary>
    /// How a commit is shortened: what stays of it, the tags that no event of it has any more, and how many it still has.
    /// </summary>
    private sealed record Cut(CommitRecord Commit, int Removed, EventRecord[] Kept, IReadOnlyCollection<string> Gone, int Tags);
}
