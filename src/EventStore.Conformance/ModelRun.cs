using System.Text;
using Xunit;

namespace EventStore.Conformance;

/// <summary>
/// Applies operations to an engine and to a plain model, and compares every result. Names begin with a scope, so that several runs can
/// share an engine.
/// </summary>
/// <param name="engine">The engine under test.</param>
/// <param name="scope">What the names of this run begin with.</param>
/// <param name="isAlone">Whether no other run uses the engine. What others remove makes conditions outdated.</param>
internal sealed class ModelRun(IPersistenceEngine engine, string scope, bool isAlone = true)
{
    private readonly ModelStore model = new();
    private readonly Dictionary<string, (long Version, string Content)> documents = [];
    private readonly ModelDraw draw = new(scope);

    public IPersistenceEngine Engine { get; private set; } = engine;

    /// <summary>Continues on another engine over the same storage.</summary>
    public void ContinueOn(IPersistenceEngine reopened) => Engine = reopened;

    public async ValueTask ApplyAsync(ModelOperation operation)
    {
        var (kind, a, b, c) = operation;
        var stream = draw.Name(a);
        var direction = c % 2 == 0 ? ReadDirection.Forward : ReadDirection.Backward;
        switch (kind)
        {
            case ModelOperationKind.Commit: await CommitAsync([draw.Attempt(model, stream, b, c)]); break;
            case ModelOperationKind.CommitBatch:
                await CommitAsync(
                    [draw.Attempt(model, stream, b, c), draw.Unit(model, b, c, a), draw.Attempt(model, stream, c, b)]);
                break;
            case ModelOperationKind.CommitUnit: await CommitAsync([draw.Unit(model, a, b, c)]); break;
            case ModelOperationKind.RepeatCommit when draw.Drawn.Count > 0: await RepeatAsync(draw.Earlier(a)); break;
            case ModelOperationKind.ReadStream: await ReadStreamAsync(stream, b % 20, (b % 20) + (c % 20), direction); break;
            case ModelOperationKind.ReadAll: await ReadAllAsync(draw.Filter(b), new Checkpoint(0), (b % 50) + 1, direction); break;
            case ModelOperationKind.ReadCriteria:
                var filter = new EventFilter { Criteria = draw.Criteria(stream, b) };
                await ReadAllAsync(filter, draw.Position(model, a), (c % 7) + 1, direction);
                break;
            case ModelOperationKind.Heads: await CompareHeadsAsync(b % 8); break;
            case ModelOperationKind.SaveSnapshot: await SaveSnapshotAsync(stream, (b % 15) + 1, c % 3); break;
            case ModelOperationKind.FindSnapshot: await FindSnapshotAsync(stream, b % 20); break;
            case ModelOperationKind.Prune: await PruneAsync(stream, b % 4); break;
            case ModelOperationKind.PutDocument: await PutDocumentAsync($"{scope}/d{a % 4}", b, isStale: c % 4 == 0); break;
            case ModelOperationKind.DeleteDocument: await DeleteDocumentAsync($"{scope}/d{a % 4}"); break;
            case ModelOperationKind.Truncate or ModelOperationKind.Seal or ModelOperationKind.DeleteStream:
                await ChangeAsync(kind, stream, b, draw.Expectation(model.StateOf(stream), c));
                break;
            case ModelOperationKind.PurgeBucket:
                await Engine.PurgeBucketAsync(stream.Bucket);
                model.Purge(stream.Bucket);
                break;
        }
    }

    private async ValueTask CommitAsync(CommitAttempt[] batch)
    {
        var outcomes = await Engine.CommitAsync(batch);
        Assert.Equal(batch.Length, outcomes.Count);
        for (var i = 0; i < batch.Length; i++) Compare(batch[i], outcomes[i]);
    }

    private void Compare(CommitAttempt attempt, CommitOutcome outcome)
    {
        var (kind, member, checkpoint) = model.Decide(attempt);
        if (outcome.Kind == CommitOutcomeKind.ConditionOutdated && MayBeOutdated(attempt.Condition)
            && kind is CommitOutcomeKind.Committed or CommitOutcomeKind.ConditionNotMet or CommitOutcomeKind.ConditionOutdated)
        {
            Assert.True(outcome.Checkpoint > attempt.Condition!.After, $"{attempt.Condition} is outdated by {outcome.Checkpoint}");
            return;
        }

        Assert.Equal((kind, member), (outcome.Kind, outcome.Member));
        CommitRecord[] commits = outcome.Commit is { } first ? [first, .. outcome.Rest] : [];
        switch (kind)
        {
            case CommitOutcomeKind.Committed: model.Store(attempt, commits); break;
            case CommitOutcomeKind.Duplicate:
                Assert.Equal([.. Stored(attempt), .. attempt.Rest.SelectMany(Stored)], commits.Select(Numbers));
                break;
            case CommitOutcomeKind.Reused: Assert.Equal(Stored(attempt.Member(member)), commits.Select(Numbers)); break;
            case CommitOutcomeKind.Sealed or CommitOutcomeKind.Conflict:
                Assert.Equal(model.StateOf(attempt.Member(member).Stream), outcome.Actual);
                break;
            case CommitOutcomeKind.ConditionNotMet or CommitOutcomeKind.ConditionOutdated:
                Assert.Equal(checkpoint, outcome.Checkpoint.Value);
                break;
        }
    }

    // What another run removes is not known to this one.
    private bool MayBeOutdated(AppendCondition? condition) =>
        condition is not null && (model.MayBeOutdated(condition) || (!isAlone && condition.After.Value > 0));

    private async ValueTask RepeatAsync(CommitAttempt attempt)
    {
        await CommitAsync([attempt]);
        foreach (var member in (CommitAttempt[])[attempt, .. attempt.Rest])
        {
            var found = await Engine.FindCommitAsync(member.Stream, member.CommitId);
            CommitRecord[] commits = found is null ? [] : [found];
            Assert.Equal(Stored(member), commits.Select(Numbers));
        }
    }

    private (long, long, long, int, UnitPlace)[] Stored(CommitAttempt member) =>
        model.Find(member.Stream)?.Commits.GetValueOrDefault(member.CommitId) is { } commit ? [Numbers(commit)] : [];

    private static (long Sequence, long Revision, long Checkpoint, int Events, UnitPlace Unit) Numbers(CommitRecord commit) =>
        (commit.Sequence.Value, commit.FirstRevision.Value, commit.FirstCheckpoint.Value, commit.EventCount, commit.Unit);

    private async ValueTask ReadStreamAsync(StreamId stream, long from, long to, ReadDirection direction)
    {
        (from, to) = (Math.Max(1, from), Math.Max(1, to));
        var expected = (model.Find(stream)?.Events ?? []).Where(stored => stored.Revision.Value >= from && stored.Revision.Value <= to);
        var page = await Engine.ReadStreamAsync(
            new StreamRead(stream, new Revision(from), new Revision(to), direction, new PageLimit(1000, long.MaxValue)));
        if (direction == ReadDirection.Backward) expected = expected.Reverse();
        Assert.Equal(expected.Select(Text), page.Events.ToArray().Select(Text));
        Assert.Equal(model.StateOf(stream), page.State);
        Assert.Equal(page.State, StreamState.Of(await Engine.FindHeadAsync(stream)));
    }

    private async ValueTask ReadAllAsync(EventFilter filter, Checkpoint after, int pageSize, ReadDirection direction)
    {
        var expected = model.Matching(recorded => recorded.Checkpoint > after && filter.Matches(recorded)).Select(Text).ToArray();
        var read = new List<string>();
        var upTo = Checkpoint.Max;
        while (true)
        {
            var page = await Engine.ReadAllAsync(new StoreRead(filter, after, upTo, direction, new PageLimit(pageSize, long.MaxValue)));
            read.AddRange(page.Events.ToArray().Select(Text));
            if (page.IsEnd) break;
            if (direction == ReadDirection.Forward) after = page.Position;
            else upTo = new Checkpoint(page.Position.Value - 1);
        }

        Assert.Equal(direction == ReadDirection.Forward ? expected : expected.Reverse(), read);
    }

    private async ValueTask CompareHeadsAsync(int threshold)
    {
        var expected = model.Streams.Where(stream => stream.Revision - stream.SnapshotRevision >= threshold)
            .Select(stream => (stream.Name, stream.State, stream.SnapshotRevision, (long)stream.Commits.Count));
        var heads = await Engine.ListHeadsAsync(new HeadQuery(null, threshold, null, 1000));
        Assert.Equal(
            expected,
            heads.Select(head => (head.Stream, StreamState.Of(head), head.SnapshotRevision.Value, head.CommitSequence.Value)));
    }

    private async ValueTask ChangeAsync(ModelOperationKind kind, StreamId stream, int b, StreamExpectation expected)
    {
        var before = draw.TruncationOf(model.StateOf(stream), b);
        var (actual, change) = kind switch
        {
            ModelOperationKind.Truncate => (
                await Engine.TruncateStreamAsync(stream, new Revision(before), expected), model.Truncate(stream, before, expected)),
            ModelOperationKind.Seal => (await Engine.SealStreamAsync(stream, expected), model.Seal(stream, expected)),
            _ => (await Engine.DeleteStreamAsync(stream, expected), model.Delete(stream, expected)),
        };
        Assert.Equal((change.Kind, change.State), (actual.Kind, actual.State));
    }

    private async ValueTask SaveSnapshotAsync(StreamId stream, long revision, int schemaVersion)
    {
        var state = model.StateOf(stream);
        var record = new SnapshotRecord(
            stream, new Revision(revision), schemaVersion, "state", Encoding.UTF8.GetBytes($"{revision}.{schemaVersion}"));
        if (revision > state.Revision.Value || revision < state.FirstRevision.Value - 1)
        {
            await Assert.ThrowsAsync<SnapshotRefusedException>(async () => await Engine.SaveSnapshotAsync(record));
            return;
        }

        await Engine.SaveSnapshotAsync(record);
        model.Find(stream)!.Snapshots.Add((revision, schemaVersion));
    }

    private async ValueTask FindSnapshotAsync(StreamId stream, long atMost)
    {
        var known = model.Find(stream);
        var expected = known?.Snapshots.Where(snapshot => snapshot.Revision <= atMost).Select(
            snapshot => ($"{snapshot.Revision}.{snapshot.SchemaVersion}", known.State.Incarnation)).LastOrDefault();
        var found = await Engine.FindSnapshotAsync(stream, new Revision(atMost));
        Assert.Equal(expected ?? default, found is null ? default : (Encoding.UTF8.GetString(found.Payload.Span), found.Incarnation));
    }

    private async ValueTask PruneAsync(StreamId stream, int keep)
    {
        await Engine.PruneSnapshotsAsync(stream, keep);
        if (model.Find(stream) is not { } known) return;
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

    // An event in one line, so that a difference is readable.
    private static string Text(RecordedEvent recorded) =>
        $"{recorded.Checkpoint}/{recorded.Revision} {recorded.Record.EventType} {Encoding.UTF8.GetString(recorded.Record.Body.Span)} "
        + string.Join(',', recorded.Record.Tags);
}
