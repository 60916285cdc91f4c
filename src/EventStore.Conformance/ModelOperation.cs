using System.Text;
using Xunit;

namespace EventStore.Conformance;

/// <summary>The kind of a random operation.</summary>
internal enum ModelOperationKind
{
    Commit,
    CommitBatch,
    RepeatCommit,
    ReadStream,
    ReadAll,
    Heads,
    SaveSnapshot,
    FindSnapshot,
    Prune,
    PutDocument,
    DeleteDocument,
    DeleteStream,
    PurgeBucket,
    Reopen,
}

/// <summary>
/// A random operation. Its numbers are relative to what is stored when it runs, so that a history stays valid when parts are removed.
/// </summary>
internal sealed record ModelOperation(ModelOperationKind Kind, int A, int B, int C)
{
    private static readonly (ModelOperationKind Kind, int Weight)[] Weights =
    [
        (ModelOperationKind.Commit, 40), (ModelOperationKind.CommitBatch, 10), (ModelOperationKind.RepeatCommit, 8),
        (ModelOperationKind.ReadStream, 12),
        (ModelOperationKind.ReadAll, 8), (ModelOperationKind.Heads, 5), (ModelOperationKind.SaveSnapshot, 8),
        (ModelOperationKind.FindSnapshot, 6), (ModelOperationKind.Prune, 2),
        (ModelOperationKind.PutDocument, 5), (ModelOperationKind.DeleteDocument, 2), (ModelOperationKind.DeleteStream, 3),
        (ModelOperationKind.PurgeBucket, 1), (ModelOperationKind.Reopen, 1),
    ];

    public static ModelOperation Draw(Random random, bool isAlone = true)
    {
        while (true)
        {
            var at = random.Next(Weights.Sum(weight => weight.Weight));
            var kind = Weights.First(weight => (at -= weight.Weight) < 0).Kind;
            var operation = new ModelOperation(kind, random.Next(1000), random.Next(1000), random.Next(1000));
            if (isAlone || kind is not (ModelOperationKind.Reopen or ModelOperationKind.ReadAll or ModelOperationKind.Heads))
                return operation;
        }
    }
}

/// <summary>
/// Applies operations to an engine and to a plain model, and compares every result. Names begin with a scope, so that several runs can
/// share an engine.
/// </summary>
internal sealed class ModelRun(IPersistenceEngine engine, string scope)
{
    private readonly Dictionary<StreamId, ModelStream> streams = [];
    private readonly Dictionary<string, (long Version, string Content)> documents = [];
    private readonly List<(CommitAttempt Attempt, StreamId Stream)> attempts = [];
    private readonly StreamId[] names =
    [
        .. from bucket in (string[])["", " "] from id in (string[])["a", "A", "a ", "é"] select new StreamId(
            scope + bucket, id == "a" ? "c" : "", id),
    ];
    private long highestCheckpoint;

    public IPersistenceEngine Engine { get; private set; } = engine;

    /// <summary>Continues on another engine over the same storage.</summary>
    public void ContinueOn(IPersistenceEngine reopened) => Engine = reopened;

    public async ValueTask ApplyAsync(ModelOperation operation)
    {
        var (kind, a, b, c) = operation;
        var stream = names[a % names.Length];
        switch (kind)
        {
            case ModelOperationKind.Commit: await CommitAsync([Draw(stream, b, c)]); break;
            case ModelOperationKind.CommitBatch:
                await CommitAsync([Draw(stream, b, c), Draw(names[b % names.Length], c, a), Draw(stream, c, b)]);
                break;
            case ModelOperationKind.RepeatCommit when attempts.Count > 0: await CommitAsync([attempts[a % attempts.Count].Attempt]); break;
            case ModelOperationKind.ReadStream:
                await ReadStreamAsync(
                    stream, b % 20, (b % 20) + (c % 20), c % 2 == 0 ? ReadDirection.Forward : ReadDirection.Backward);
                break;
            case ModelOperationKind.ReadAll: await ReadAllAsync(b, c % 2 == 0 ? ReadDirection.Forward : ReadDirection.Backward); break;
            case ModelOperationKind.Heads: await CompareHeadsAsync(b % 8); break;
            case ModelOperationKind.SaveSnapshot: await SaveSnapshotAsync(stream, (b % 15) + 1, c % 3); break;
            case ModelOperationKind.FindSnapshot: await FindSnapshotAsync(stream, b % 20); break;
            case ModelOperationKind.Prune: await PruneAsync(stream, b % 4); break;
            case ModelOperationKind.PutDocument: await PutDocumentAsync($"{scope}/d{a % 4}", b, isStale: c % 4 == 0); break;
            case ModelOperationKind.DeleteDocument: await DeleteDocumentAsync($"{scope}/d{a % 4}"); break;
            case ModelOperationKind.DeleteStream: Assert.Equal(streams.Remove(stream), await Engine.DeleteStreamAsync(stream)); break;
            case ModelOperationKind.PurgeBucket: await PurgeAsync(stream.Bucket); break;
        }
    }

    private CommitAttempt Draw(StreamId stream, int b, int c)
    {
        long revision = streams.GetValueOrDefault(stream)?.Events.Count ?? 0;
        var expected = (b % 6) switch
        {
            0 => ExpectedRevision.Any,
            1 => ExpectedRevision.NoStream,
            2 => ExpectedRevision.StreamExists,
            3 => ExpectedRevision.Exactly(revision + (c % 3)),
            _ => ExpectedRevision.Exactly(revision),
        };
        EventRecord[] events =
        [
            .. Enumerable.Range(0, (c % 5) + 1).Select(
                i => new EventRecord(Guid.NewGuid(), $"type-{i % 2}", Encoding.UTF8.GetBytes($"{b}.{c}.{i}"))),
        ];
        var attempt = new CommitAttempt(stream, Guid.NewGuid(), events) { Expected = expected };
        attempts.Add((attempt, stream));
        return attempt;
    }

    private async ValueTask CommitAsync(CommitAttempt[] batch)
    {
        var outcomes = await Engine.CommitAsync(batch);
        Assert.Equal(batch.Length, outcomes.Count);
        for (var i = 0; i < batch.Length; i++)
        {
            var (attempt, outcome) = (batch[i], outcomes[i]);
            var known = streams.GetValueOrDefault(attempt.Stream);
            long revision = known?.Events.Count ?? 0;
            if (known is not null && known.Commits.TryGetValue(attempt.CommitId, out var original))
            {
                Assert.Equal(CommitOutcomeKind.Duplicate, outcome.Kind);
                Assert.Equal(
                    (original.FirstRevision, original.FirstCheckpoint), (outcome.Commit!.FirstRevision, outcome.Commit.FirstCheckpoint));
                continue;
            }

            if (!attempt.Expected.Revision.IsMetBy(new Revision(revision)))
            {
                Assert.Equal((CommitOutcomeKind.Conflict, revision), (outcome.Kind, outcome.Actual.Revision.Value));
                continue;
            }

            Assert.Equal(CommitOutcomeKind.Committed, outcome.Kind);
            var commit = outcome.Commit!;
            if (known is null) streams.Add(attempt.Stream, known = new ModelStream());
            Assert.Equal(
                (revision + 1, known.Commits.Count + 1, attempt.Events.Count),
                (commit.FirstRevision.Value, commit.Sequence.Value, commit.EventCount));
            Assert.True(commit.FirstCheckpoint.Value > highestCheckpoint, $"checkpoint {commit.FirstCheckpoint} after {highestCheckpoint}");
            highestCheckpoint = commit.LastCheckpoint.Value;
            known.Commits.Add(attempt.CommitId, commit);
            known.Events.AddRange(
                attempt.Events.Select((asked, index) => (commit.FirstCheckpoint.Value + index, Text(asked), asked.EventType)));
        }
    }

    private async ValueTask ReadStreamAsync(StreamId stream, long from, long to, ReadDirection direction)
    {
        (from, to) = (Math.Max(1, from), Math.Max(1, to));
        var events = streams.GetValueOrDefault(stream)?.Events ?? [];
        var expected = events.Select(
            (stored, i) => (Revision: i + 1L, stored.Checkpoint, stored.Body)).Where(stored => stored.Revision >= from
                && stored.Revision <= to);
        var page = await Engine.ReadStreamAsync(
            new StreamRead(stream, new Revision(from), new Revision(to), direction, new PageLimit(1000, long.MaxValue)));
        Assert.Equal(
            direction == ReadDirection.Forward ? expected : expected.Reverse(),
            page.Events.ToArray().Select(stored => (stored.Revision.Value, stored.Checkpoint.Value, Text(stored.Record))));
        Assert.Equal(events.Count, page.State.Revision.Value);
        Assert.Equal(events.Count, (await Engine.FindHeadAsync(stream))?.Revision.Value ?? 0);
    }

    private async ValueTask ReadAllAsync(int b, ReadDirection direction)
    {
        var filter = new EventFilter
        {
            Bucket = b % 2 == 0 ? names[0].Bucket : null,
            EventTypes = b % 3 == 0 ? new HashSet<string>(["type-1"]) : null,
            Category = b % 5 == 0 ? "c" : null,
        };
        var expected = streams
            .Where(
                stream => (filter.Bucket is null || stream.Key.Bucket == filter.Bucket)
                    && (filter.Category is null || stream.Key.Category == filter.Category))
            .SelectMany(
                stream => stream.Value.Events.Where(
                    stored => filter.EventTypes?.Contains(stored.Type)
                        ?? true)).OrderBy(stored => stored.Checkpoint).Select(stored => stored.Checkpoint).ToArray();
        var read = new List<long>();
        var (after, upTo) = (Checkpoint.Origin, Checkpoint.Max);
        while (true)
        {
            var page = await Engine.ReadAllAsync(new StoreRead(filter, after, upTo, direction, new PageLimit((b % 50) + 1, long.MaxValue)));
            read.AddRange(page.Events.ToArray().Select(recorded => recorded.Checkpoint.Value));
            if (page.IsEnd) break;
            if (direction == ReadDirection.Forward) after = page.Position;
            else upTo = new Checkpoint(page.Position.Value - 1);
        }

        Assert.Equal(direction == ReadDirection.Forward ? expected : expected.Reverse(), read);
    }

    private async ValueTask CompareHeadsAsync(int threshold)
    {
        var expected = streams.Where(
            stream => stream.Value.Events.Count - stream.Value.SnapshotRevision >= threshold).OrderBy(stream => stream.Key)
            .Select(
                stream => (stream.Key, (long)stream.Value.Events.Count, stream.Value.SnapshotRevision, (long)stream.Value.Commits.Count));
        var heads = await Engine.ListHeadsAsync(new HeadQuery(null, threshold, null, 1000));
        Assert.Equal(
            expected, heads.Select(head => (head.Stream, head.Revision.Value, head.SnapshotRevision.Value, head.CommitSequence.Value)));
    }

    private async ValueTask SaveSnapshotAsync(StreamId stream, long revision, int schemaVersion)
    {
        var known = streams.GetValueOrDefault(stream);
        var record = new SnapshotRecord(
            stream, new Revision(revision), schemaVersion, "state", Encoding.UTF8.GetBytes($"{revision}.{schemaVersion}"));
        if (revision > (known?.Events.Count ?? 0))
        {
            await Assert.ThrowsAsync<SnapshotRefusedException>(async () => await Engine.SaveSnapshotAsync(record));
            return;
        }

        await Engine.SaveSnapshotAsync(record);
        known!.Snapshots.Add((revision, schemaVersion));
    }

    private async ValueTask FindSnapshotAsync(StreamId stream, long atMost)
    {
        var expected = streams.GetValueOrDefault(stream)?.Snapshots.Where(snapshot => snapshot.Revision <= atMost).Select(
            snapshot => $"{snapshot.Revision}.{snapshot.SchemaVersion}").LastOrDefault();
        var found = await Engine.FindSnapshotAsync(stream, new Revision(atMost));
        Assert.Equal(expected, found is null ? null : Encoding.UTF8.GetString(found.Payload.Span));
    }

    private async ValueTask PruneAsync(StreamId stream, int keep)
    {
        await Engine.PruneSnapshotsAsync(stream, keep);
        if (streams.GetValueOrDefault(stream) is not { } known) return;
        while (known.Snapshots.Count > keep) known.Snapshots.Remove(known.Snapshots.Min);
    }

    private async ValueTask PutDocumentAsync(string name, int content, bool isStale)
    {
        var version = documents.GetValueOrDefault(name).Version;
        var written = await Engine.PutDocumentAsync(name, Encoding.UTF8.GetBytes($"{content}"), isStale ? version + 1 : version);
        Assert.Equal(isStale, written is null);
        if (written is { } next) documents[name] = (next, $"{content}");
        var found = await Engine.FindDocumentAsync(name);
        Assert.Equal(
            documents.TryGetValue(name, out var known) ? known : default,
            found is null ? default : (found.Version, Encoding.UTF8.GetString(found.Content.Span)));
    }

    private async ValueTask DeleteDocumentAsync(string name)
    {
        var version = documents.GetValueOrDefault(name).Version;
        Assert.Equal(documents.Remove(name), await Engine.DeleteDocumentAsync(name, version == 0 ? 1 : version));
    }

    private async ValueTask PurgeAsync(string bucket)
    {
        await Engine.PurgeBucketAsync(bucket);
        foreach (var gone in streams.Keys.Where(stream => stream.Bucket == bucket).ToArray()) streams.Remove(gone);
    }

    private static string Text(EventRecord record) => Encoding.UTF8.GetString(record.Body.Span);

    private sealed class ModelStream
    {
        public List<(long Checkpoint, string Body, string Type)> Events { get; } = [];

        public Dictionary<Guid, CommitRecord> Commits { get; } = [];

        public SortedSet<(long Revision, int SchemaVersion)> Snapshots { get; } = [];

        public long SnapshotRevision => Snapshots.Count == 0 ? 0 : Snapshots.Max.Revision;
    }
}
