using EventStore.FileSystem.Engine;

namespace EventStore.FileSystem.Tests.Simulation;

/// <summary>
/// An operation on a store, and its steps: each step is stored completely or not at all, and never without those before it.
/// </summary>
/// <param name="DoAsync">Runs it, and checks its result.</param>
/// <param name="Steps">The changes to the content; an operation without steps changes nothing that can be read.</param>
internal sealed record Operation(Func<IPersistenceEngine, ValueTask> DoAsync, params Action<StoreContent>[] Steps);

/// <summary>Draws random operations. A new kind is one line in the table and one method.</summary>
internal static class Operations
{
    private static readonly StreamId[] Streams = ["a", "b", new StreamId("other", "category", "c"), new StreamId("other", "", "d")];
    private static readonly string[] Documents = ["document-1", "document-2"];
    private static readonly (int Weight, Func<Random, Operation> Draw)[] Kinds =
        [
            (12, Commit), (2, Repeat), (3, PutDocument), (1, DeleteDocument), (2, SaveSnapshot), (1, PruneSnapshots), (2, DeleteStream),
            (1, Purge), (2, Compact)];

    private static readonly int TotalWeight = Kinds.Sum(kind => kind.Weight);

    public static Operation Draw(Random random)
    {
        var at = random.Next(TotalWeight);
        foreach (var (weight, draw) in Kinds)
        {
            if ((at -= weight) < 0) return draw(random);
        }

        throw new InvalidOperationException("the weights have another sum");
    }

    public static Operation Commit(Random random)
    {
        var attempts = new CommitAttempt[random.Next(4) == 0 ? random.Next(2, 5) : 1];
        var stored = new CommitRecord?[attempts.Length];
        var steps = new Action<StoreContent>[attempts.Length];
        for (var i = 0; i < attempts.Length; i++)
        {
            var index = i;
            attempts[i] = Attempt(random, Of(random, Streams), SequentialGuid(random));
            steps[i] = content =>
            {
                var (revision, checkpoint) = content.Append(attempts[index]);
                Violation.Unless(
                    stored[index] is not { } record
                        || (record.FirstRevision.Value == revision && record.FirstCheckpoint.Value == checkpoint),
                    ViolationKind.FalseResult,
                    $"a commit was acknowledged as {stored[index]}, but belongs at revision {revision}, checkpoint {checkpoint}");
            };
        }

        return new Operation(async engine =>
        {
            var outcomes = await engine.CommitAsync(attempts);
            for (var i = 0; i < outcomes.Count; i++)
            {
                Violation.Unless(
                    outcomes[i].Kind == CommitOutcomeKind.Committed, ViolationKind.FalseResult,
                    $"the outcome of a new commit is {outcomes[i].Kind}");
                stored[i] = outcomes[i].Commit;
            }
        }, steps);
    }

    /// <summary>A commit that is stored already, sent again: it is known, and not stored twice.</summary>
    public static Operation Repeat(Random random)
    {
        var stream = Of(random, Streams);
        var attempt = Attempt(random, stream, SequentialGuid(random));
        return new Operation(async engine =>
        {
            var newest = await engine.ReadStreamAsync(
                new StreamRead(
                    stream, new Revision(1), Revision.Max, ReadDirection.Backward,
                    new PageLimit(1 + (attempt.Events.Count * 3), long.MaxValue)));
            if (newest.Events.IsEmpty) return;
            var original = newest.Events.Span[^1].Commit;
            var outcome = (
                await engine.CommitAsync(
                    [new CommitAttempt(stream, original.CommitId, attempt.Events) { Expected = ExpectedRevision.NoStream }]))[0];
            Violation.Unless(
                outcome.Kind == CommitOutcomeKind.Duplicate && outcome.Commit!.FirstCheckpoint == original.FirstCheckpoint,
                ViolationKind.FalseResult, $"{original} sent again returns {outcome.Kind} {outcome.Commit}");
        });
    }

    public static Operation PutDocument(Random random)
    {
        var (name, content) = (Of(random, Documents), Bytes(random));
        return new Operation(async engine =>
        {
            var known = await engine.FindDocumentAsync(name);
            var version = await engine.PutDocumentAsync(name, content, known?.Version ?? 0);
            Violation.Unless(
                version is not null && version > (known?.Version ?? 0), ViolationKind.FalseResult,
                $"writing a document of version {known?.Version} returns {version}");
        }, stored => stored.Put(name, content));
    }

    public static Operation DeleteDocument(Random random)
    {
        var name = Of(random, Documents);
        return new Operation(async engine =>
        {
            if (await engine.FindDocumentAsync(name) is { } known)
                Violation.Unless(
                    await engine.DeleteDocumentAsync(name, known.Version), ViolationKind.FalseResult,
                    $"deleting a document at its version is refused");
        }, stored => stored.DeleteDocument(name));
    }

    public static Operation SaveSnapshot(Random random)
    {
        var (stream, back, schemaVersion, payload) = (Of(random, Streams), random.Next(3), random.Next(2), Bytes(random));
        SnapshotRecord? saved = null;
        return new Operation(async engine =>
        {
            if (await engine.FindHeadAsync(stream) is not { } head) return;
            saved = new SnapshotRecord(stream, new Revision(Math.Max(1, head.Revision.Value - back)), schemaVersion, "state", payload);
            await engine.SaveSnapshotAsync(saved);
        }, stored =>
        {
            if (saved is not null) stored.Save(saved);
        });
    }

    public static Operation PruneSnapshots(Random random)
    {
        var (stream, keep) = (Of(random, Streams), random.Next(3));
        return new Operation(engine => engine.PruneSnapshotsAsync(stream, keep), stored => stored.Prune(stream, keep));
    }

    public static Operation DeleteStream(Random random)
    {
        var stream = Of(random, Streams);
        bool? outcome = null;
        return new Operation(async engine => outcome = await engine.DeleteStreamAsync(stream), stored =>
        {
            var wasThere = stored.Delete(stream);
            Violation.Unless(
                outcome is null || outcome == wasThere, ViolationKind.FalseResult,
                $"deleting a stream returns {outcome}, but it was {(wasThere ? "there" : "not there")}");
        });
    }

    public static Operation Purge(Random random)
    {
        var bucket = random.Next(3) == 0 ? null : Of(random, Streams).Bucket;
        return new Operation(
            engine => bucket is null ? engine.PurgeAllAsync() : engine.PurgeBucketAsync(bucket), stored => stored.Purge(bucket));
    }

    /// <summary>Removes dead frames, and nothing that can be read.</summary>
    public static Operation Compact(Random random) =>
        new(async engine => await CompactionTests.CompactAsync((FileSystemPersistenceEngine)engine));

    public static Guid SequentialGuid(Random random)
    {
        Span<byte> bytes = stackalloc byte[16];
        random.NextBytes(bytes);
        return new Guid(bytes);
    }

    private static CommitAttempt Attempt(Random random, StreamId stream, Guid commitId)
    {
        var events = new EventRecord[random.Next(3) == 0 ? random.Next(2, 4) : 1];
        for (var i = 0; i < events.Length; i++)
            events[i] = new EventRecord(SequentialGuid(random), random.Next(2) == 0 ? "type" : "other-type", Bytes(random));
        return new CommitAttempt(stream, commitId, events) { Headers = random.Next(4) == 0 ? new byte[] { 1, 2, 3 } : default };
    }

    // Mostly within a sector, sometimes over several.
    private static byte[] Bytes(Random random)
    {
        var bytes = new byte[random.Next(6) == 0 ? random.Next(400, 1600) : random.Next(120)];
        random.NextBytes(bytes);
        return bytes;
    }

    private static T Of<T>(Random random, T[] choices) => choices[random.Next(choices.Length)];
}
