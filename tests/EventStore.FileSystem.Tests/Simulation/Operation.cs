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
            (11, Commit), (3, Unit), (2, Repeat), (3, PutDocument), (1, DeleteDocument), (2, SaveSnapshot), (1, PruneSnapshots),
            (2, DeleteStream), (2, Truncate), (1, Seal), (1, Skip), (1, Purge), (2, Compact)];

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
                if (content.IsSealed(attempts[index].Stream)) return;
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
            var outcomes = await CommitAsync(engine, attempts);
            for (var i = 0; i < outcomes.Count; i++)
            {
                Violation.Unless(
                    outcomes[i].Kind is CommitOutcomeKind.Committed or CommitOutcomeKind.Sealed, ViolationKind.FalseResult,
                    $"the outcome of a new commit is {outcomes[i].Kind}");
                stored[i] = outcomes[i].Commit;
            }
        }, steps);
    }

    /// <summary>Commits of several streams, which are stored together.</summary>
    public static Operation Unit(Random random)
    {
        var id = SequentialGuid(random);
        var streams = Streams.ToArray();
        random.Shuffle(streams);
        CommitAttempt[] members = [.. streams.Take(random.Next(2, 4)).Select(stream => Attempt(random, stream, id))];
        var unit = new CommitAttempt(members[0].Stream, id, members[0].Events) { Headers = members[0].Headers, Rest = members[1..] };
        CommitOutcome? outcome = null;
        return new Operation(async engine =>
        {
            outcome = (await CommitAsync(engine, unit))[0];
            Violation.Unless(
                outcome.Value.Kind is CommitOutcomeKind.Committed or CommitOutcomeKind.Sealed, ViolationKind.FalseResult,
                $"the outcome of a new unit is {outcome.Value.Kind}");
        }, content =>
        {
            if (members.Any(member => content.IsSealed(member.Stream))) return;
            var first = members.Select(member => content.Append(member)).ToArray()[0].Checkpoint;
            Violation.Unless(
                outcome?.Commit is not { } stored || stored.FirstCheckpoint.Value == first, ViolationKind.FalseResult,
                $"a unit was acknowledged as {outcome?.Commit}, but belongs at checkpoint {first}");
        });
    }

    public static Operation Truncate(Random random)
    {
        var (stream, back) = (Of(random, Streams), random.Next(-1, 5));
        var before = 0L;
        return new Operation(async engine =>
        {
            if (await engine.FindHeadAsync(stream) is not { } head) return;
            before = Math.Max(1, head.Revision.Value - back);
            await engine.TruncateStreamAsync(stream, new Revision(before), head.Revision);
        }, content => content.Truncate(stream, before));
    }

    public static Operation Seal(Random random)
    {
        var stream = random.Next(3) == 0 ? Of(random, Streams) : Streams[^1];
        return new Operation(async engine => await engine.SealStreamAsync(stream, StreamExpectation.Any), content => content.Seal(stream));
    }

    /// <summary>Passes over checkpoints, as an import does, and leaves the store held. The next commit ends that.</summary>
    public static Operation Skip(Random random)
    {
        // A frame of the log skips so many at most, and each is stored or not.
        var (gap, upTo) = (random.Next(5) == 0 ? random.Next(70_000, 4 * ushort.MaxValue) : random.Next(1, 9), 0L);
        var steps = Enumerable.Repeat<Action<StoreContent>>(
            content => content.Skip(Math.Clamp(upTo - content.Head, 0, ushort.MaxValue)), 4);
        return new Operation(async engine =>
        {
            await engine.HoldAsync("import");
            var page = await engine.ReadAllAsync(
                new StoreRead(EventFilter.Everything, new Checkpoint(0), Checkpoint.Max, ReadDirection.Backward, new PageLimit(1, 1)));
            upTo = page.Head.Value + gap;
            await engine.SkipCheckpointsAsync(new Checkpoint(upTo));
        }, [.. steps]);
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
            if (original.Unit.Size > 1) return; // it is known only as a whole
            var outcome = (
                await CommitAsync(
                    engine, new CommitAttempt(stream, original.CommitId, attempt.Events) { Expected = ExpectedRevision.NoStream }))[0];
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
            var revision = Math.Max(head.Revision.Value - back, Math.Max(1, head.FirstRevision.Value - 1));
            saved = new SnapshotRecord(stream, new Revision(revision), schemaVersion, "state", payload);
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
        return new Operation(async engine =>
        {
            var change = await engine.DeleteStreamAsync(stream, StreamExpectation.Any);
            outcome = change.Kind == StreamChangeKind.Changed;
        }, stored =>
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

    // An import that was broken off holds the store: it is ended.
    private static async ValueTask<IReadOnlyList<CommitOutcome>> CommitAsync(IPersistenceEngine engine, params CommitAttempt[] attempts)
    {
        try
        {
            return await engine.CommitAsync(attempts);
        }
        catch (StorageHeldException held)
        {
            await engine.HoldAsync(held.Holder);
        }

        await engine.ReleaseAsync("import");
        return await engine.CommitAsync(attempts);
    }

    private static CommitAttempt Attempt(Random random, StreamId stream, Guid commitId)
    {
        var events = new EventRecord[random.Next(3) == 0 ? random.Next(2, 4) : 1];
        for (var i = 0; i < events.Length; i++)
        {
            string[] tags = [.. Enumerable.Range(0, 3).Where(_ => random.Next(4) == 0).Select(tag => $"tag-{tag}")];
            events[i] = new EventRecord(SequentialGuid(random), random.Next(2) == 0 ? "type" : "other-type", Bytes(random), default, tags);
        }

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
