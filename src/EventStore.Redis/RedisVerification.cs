using StackExchange.Redis;

namespace EventStore.Redis;

/// <summary>
/// Checks everything that is stored: every entry of the log, that index and commit id lead to it, that streams have no holes.
/// </summary>
internal sealed class RedisVerification(RedisServer server, RedisSchema schema, string address)
{
    private const int MaxEntries = 512;
    private const long MaxBytes = 1 << 20;
    private const int MaxNames = 500;
    private const string Restore = "Restore the server's data; what was committed since can be read and appended again.";
    private readonly List<Damage> damages = [];
    private readonly Dictionary<StreamId, (long Birth, long Revision)> streams = [];
    private long commits;
    private long events;

    public async ValueTask<VerificationReport> RunAsync(IProgress<VerificationProgress>? progress, CancellationToken cancellationToken)
    {
        long after = 0, upTo = long.MaxValue;
        while (after < upTo)
        {
            var page = await server.AskAsync(RedisScript.Verify, [schema.Meta, schema.Log, schema.Ids],
                [after, upTo, MaxEntries, MaxBytes], cancellationToken).ConfigureAwait(false);
            upTo = Math.Min(upTo, (long)page[0]);
            after = (long)page[1];
            for (var i = 2; i + 2 < page.Length; i += 3) Check((string)page[i]!, (long)page[i + 1], (byte[])page[i + 2]!);
            progress?.Report(new VerificationProgress(events, null));
        }

        await CheckHeadsAsync(upTo, cancellationToken).ConfigureAwait(false);
        return new VerificationReport(commits, events, damages);
    }

    private void Check(string problem, long lowest, byte[] entry)
    {
        var checkpoint = RedisRows.ReadNumber(entry);
        var trouble = !RedisRows.IsSound(entry) ? "Its checksum does not fit its bytes."
            : problem == "entry" ? "Its numbers are impossible, or do not fit its id." : FindMisshape(entry);
        if (trouble is not null)
        {
            damages.Add(new Damage($"{address}, log, the commit at checkpoint {checkpoint}", trouble, Restore));
            return;
        }

        var commit = RedisRows.DecodeCommit(entry, null, out var first, out var count, out _);
        var birth = RedisRows.ReadNumber(entry.AsSpan(18));
        var place = $"{address}, stream '{commit.Stream}', revision {commit.FirstRevision + first}";
        if (problem.Length > 0) damages.Add(new Damage(place, TroubleOf(problem), Restore));

        // The first entry of a truncated stream may begin below the first revision, but not after it.
        var revision = commit.FirstRevision.Value + first;
        var before = streams.TryGetValue(commit.Stream, out var known) && known.Birth == birth
            ? known.Revision
            : Math.Min(lowest, revision) - 1;
        if (revision != before + 1) damages.Add(new Damage(place, $"The entry before it ends at revision {before}.", Restore));
        streams[commit.Stream] = (birth, revision + count - 1);
        if (first == 0) commits++;
        events += count;
    }

    private static string TroubleOf(string problem) => problem switch
    {
        "id" => "Its commit id does not lead to it.",
        "term" => "The index of its category or of one of its tags does not name it.",
        _ => "The index of its stream does not lead to it.",
    };

    // A checksum that fits may be forged by another client of the server.
    private static string? FindMisshape(byte[] entry)
    {
        try
        {
            RedisRows.Decode(entry, null);
            return null;
        }
        catch (CorruptStorageException error)
        {
            return error.Problem;
        }
    }

    // An index may lead on behind the last entry that was met, if the log lost entries.
    private async ValueTask CheckHeadsAsync(long upTo, CancellationToken cancellationToken)
    {
        var (from, to) = RedisReader.RangeOf([], []);
        while (true)
        {
            var answer = await server.AskAsync(RedisScript.VerifyHeads, [schema.Meta, schema.Names], [from, to, MaxNames, upTo],
                cancellationToken).ConfigureAwait(false);
            for (var i = 2; i + 2 < answer.Length; i += 3)
            {
                var stream = RedisSchema.StreamOf((byte[])answer[i]!);
                var (revision, met) = ((long)answer[i + 1], Math.Max(streams.GetValueOrDefault(stream).Revision, (long)answer[i + 2] - 1));
                if (revision == -1) damages.Add(new Damage($"{address}, stream '{stream}'", "Its index is damaged or not there.", Restore));
                if (revision == -2) damages.Add(new Damage($"{address}, stream '{stream}'", "Its index expires.",
                    "Run PERSIST for the key that ends in the stream's name, and find out who set it."));
                if (revision > met) damages.Add(new Damage($"{address}, stream '{stream}', revision {met + 1}",
                    $"Its index leads to revision {revision}, but the log has nothing after {met}.", Restore));
            }

            if (answer[1].IsNull) return;
            from = RedisReader.After((byte[])answer[1]!, from, schema.Names);
        }
    }
}
