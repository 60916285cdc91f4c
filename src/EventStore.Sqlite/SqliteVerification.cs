using Microsoft.Data.Sqlite;

namespace EventStore.Sqlite;

/// <summary>
/// Checks everything stored, by the database as it is at one moment: SQLite's own check of pages and indexes, the checksum of every row,
/// and the numbers of every stream. Goes on behind what is damaged.
/// </summary>
internal sealed class SqliteVerification(SqliteSession session, IProgress<VerificationProgress>? progress,
    CancellationToken cancellationToken)
{
    private const string Advice = "Restore the database from a backup.";
    private const int CommitsPerReport = 65_536;
    private readonly List<Damage> damages = [];
    private long commits;
    private long events;

    public VerificationReport Run()
    {
        Try(CheckPages);
        CheckCommits();
        Try(CheckNumbers);
        Try(() => damages.AddRange(SqliteSnapshots.FindDamages(session).Select(ToDamage)));
        Try(() => damages.AddRange(SqliteDocuments.FindDamages(session).Select(ToDamage)));
        progress?.Report(new VerificationProgress(events, events));
        return new VerificationReport(commits, events, damages);
    }

    private void CheckPages() => ForEach("check-pages", row =>
    {
        if (row.Text(0) is not "ok" and var problem) Report("its pages", problem.EndsWith('.') ? problem : problem + ".");
    });

    // Where not even SQLite can go on, the next commit that can be read is looked for, further and further on.
    private void CheckCommits()
    {
        var newest = session.ReadStore().Newest;
        for (long next = 1, skip = 1; next <= newest;)
        {
            try
            {
                CheckCommits(ref next, newest);
                return;
            }
            catch (SqliteException error) when (SqliteErrors.IsDamage(error))
            {
                if (skip == 1) Report($"{session.Sql.Table("commits")}, from checkpoint {next} on", "SQLite cannot read the page.");
                next += skip;
                skip *= 2;
            }
        }
    }

    private void CheckCommits(ref long next, long newest)
    {
        var row = session.Prepare("read-all-forward").Bind(1, next).Bind(2, long.MaxValue);
        try
        {
            while (row.Step())
            {
                cancellationToken.ThrowIfCancellationRequested();
                var first = row.Number(SqliteRows.Checkpoint);
                var after = Math.Min(first, long.MaxValue - int.MaxValue) + Math.Clamp(row.Number(SqliteRows.EventCount), 1, int.MaxValue);
                if (after <= next) continue;
                if (first < next || after - 1 > newest) Report($"{session.Sql.Table("commits")}, checkpoint {first}",
                    "its checkpoints overlap those before it, or lie beyond the newest.");
                next = after;
                Check(row);
            }
        }
        finally
        {
            row.Reset();
            session.Rows.Forget();
        }
    }

    private void Check(SqliteStatement row)
    {
        commits++;
        try
        {
            var stream = session.Rows.StreamOf(row.Number(SqliteRows.Stream));
            var removed = (int)row.Number(SqliteRows.Removed);
            var left = session.Rows.ReadEvents(row, session.Rows.Commit(row, stream.Name), stream.Sum, out _)[removed..];
            events += left.Length;
            if (row.Number(SqliteRows.Tags) > 0) CheckTags(stream.Name.Bucket, row.Number(SqliteRows.Checkpoint), SqliteRows.TagsOf(left));
        }
        catch (CorruptStorageException damage)
        {
            damages.Add(ToDamage(damage));
        }

        if (commits % CommitsPerReport == 0) progress?.Report(new VerificationProgress(events, null));
    }

    private void CheckTags(string bucket, long checkpoint, IEnumerable<string> tags)
    {
        foreach (var tag in tags)
        {
            var entry = session.Prepare("find-tag").Bind(1, bucket).Bind(2, tag).Bind(3, checkpoint);
            if (!entry.Step())
                Report($"{session.Sql.Table("commits")}, checkpoint {checkpoint}", "no entry of one of its tags leads to it.");
            entry.Reset();
        }
    }

    private void CheckNumbers()
    {
        var (commits, streams) = (session.Sql.Table("commits"), session.Sql.Table("streams"));
        ForEach("verify-numbers",
            row => Report($"{commits}, stream {row.Number(0)}, revision {row.Number(1)}", "it does not continue the commit before it."));
        ForEach("verify-entries", row => Report($"{commits}, checkpoint {row.Number(0)}", "no entry by stream and revision leads to it."));
        ForEach("verify-strays",
            row => Report($"{session.Sql.Table("revisions")}, {session.Sql.Table("gathered")} or {session.Sql.Table("recent")}, stream "
                + $"{row.Number(0)}, revision {row.Number(1)}", "the entry leads to no commit."));
        ForEach("verify-streams", row => Report($"{streams}, stream {row.Number(0)}", "it has no commits."));
        ForEach("verify-truncated",
            row => Report($"{commits}, checkpoint {row.Number(0)}", "it is not truncated as its stream is."));
        ForEach("verify-categories",
            row => Report($"{session.Sql.Table("categories")}, checkpoint {row.Number(0)}", "the entry is missing or leads to no commit."));
        ForEach("verify-tags",
            row => Report($"{session.Sql.Table("tags")}, checkpoint {row.Number(0)}", "an entry is missing or leads to no commit."));
        damages.AddRange(SqliteHeads.FindDamages(session).Select(ToDamage));
        ForEach("verify-snapshot-revisions",
            row => Report($"{streams}, stream {row.Number(0)}", "the revision of its newest snapshot is wrong."));
    }

    private void ForEach(string file, Action<SqliteStatement> see)
    {
        var row = session.Prepare(file);
        try
        {
            while (row.Step()) see(row);
        }
        finally
        {
            row.Reset();
        }
    }

    private void Try(Action check)
    {
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            check();
        }
        catch (CorruptStorageException damage)
        {
            damages.Add(ToDamage(damage));
        }
        catch (SqliteException error) when (SqliteErrors.IsDamage(error))
        {
            Report("its pages", "a check could not be ended, because SQLite cannot read a page.");
        }
        catch (Exception error) when (SqliteErrors.IsOfAnotherKind(error))
        {
            Report("its rows", "a check could not be ended, because a row holds a value of another kind than was stored.");
        }
    }

    private void Report(string place, string problem) =>
        damages.Add(new Damage($"'sqlite:{session.Connection.DataSource}', {place}", problem, Advice));

    private static Damage ToDamage(CorruptStorageException damage) => new(damage.Place, damage.Problem, Advice);
}
