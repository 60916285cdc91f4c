namespace EventStore.InMemory;

/// <summary>
/// The shortest implementation of the engine contract, and an engine for tests. Nothing is kept after it is disposed.
/// </summary>
internal sealed class InMemoryPersistenceEngine : IPersistenceEngine
{
    private const int MaxExaminedPerPage = 16_384;

    // All guarded by the gate. Pages are copied under it, so a reader holds it no longer than a page takes.
    private readonly Lock gate = new();
    private readonly MemoryStreams streams;
    private readonly SortedDictionary<string, NamedDocument> documents = new(Comparer<string>.Create(StreamId.CompareCodePoints));
    private long lastDocumentVersion;
    private string? holder;

    private readonly EngineLifetime<InMemoryPersistenceEngine> lifetime = new();
    private readonly CommitSignal signal = new();
    private readonly TimeProvider time;

    // There is no storage to open, so it is open from the start.
    public InMemoryPersistenceEngine(TimeProvider time)
    {
        this.time = time;
        streams = new MemoryStreams(time);
        lifetime.Open(this);
    }

    public EngineDescription Description { get; } = new(
        "in-memory",
        "memory:",
        new EngineDurability(Durability.Volatile, "held in the memory of this process", []),
        new EngineLimits(
            MaxEventsPerCommit: 100_000,
            MaxCommitBytes: 256 << 20,
            MaxSnapshotBytes: 256 << 20,
            MaxDocumentBytes: 64 << 20,
            MaxBatchAttempts: 4096),
        EngineCapabilities.None);

    public ValueTask InitializeAsync(CancellationToken cancellationToken = default)
    {
        lifetime.RequireNotDisposed();
        cancellationToken.ThrowIfCancellationRequested();
        return default;
    }

    public ValueTask<IReadOnlyList<CommitOutcome>> CommitAsync(
        IReadOnlyList<CommitAttempt> attempts, CancellationToken cancellationToken = default)
    {
        for (var i = 0; i < attempts.Count; i++) Description.Limits.Require(attempts[i]);
        lifetime.RequireOpened(cancellationToken);
        var outcomes = new CommitOutcome[attempts.Count];
        lock (gate)
        {
            lifetime.RequireNotDisposed();
            for (var i = 0; i < outcomes.Length; i++) outcomes[i] = streams.Commit(attempts[i]);
        }

        signal.Raise(streams.Log.Head);
        return new(outcomes);
    }

    public ValueTask<CommitRecord?> FindCommitAsync(StreamId stream, Guid commitId, CancellationToken cancellationToken = default) =>
        Locked(() => streams.FindCommit(stream, commitId), cancellationToken);

    public ValueTask<StreamPage> ReadStreamAsync(StreamRead read, CancellationToken cancellationToken = default) => Locked(() =>
    {
        if (streams.Find(read.Stream) is not { } stream) return new StreamPage(default, default, IsEnd: true);
        var (low, high) = (Math.Max(read.From.Value, stream.FirstRevision.Value), Math.Min(read.To.Value, stream.Revision.Value));
        var page = new PageBuilder(read.Limit);
        for (var i = 0L; i <= high - low; i++)
        {
            if (!page.TryAdd(stream.EventAt(read.Direction == ReadDirection.Forward ? low + i : high - i))) break;
        }

        return new StreamPage(page.Events, stream.State, IsEnd: page.Count >= high - low + 1);
    }, cancellationToken);

    public ValueTask<StorePage> ReadAllAsync(StoreRead read, CancellationToken cancellationToken = default) => Locked(() =>
    {
        var page = new PageBuilder(read.Limit);
        var position = read.Direction == ReadDirection.Forward ? read.After : read.UpTo;
        var examined = 0;
        foreach (var recorded in streams.Log.Candidates(read.Filter, read.After, read.UpTo, read.Direction))
        {
            if (examined++ == MaxExaminedPerPage || (read.Filter.Matches(recorded) && !page.TryAdd(recorded)))
                return new StorePage(page.Events, position, streams.Log.Head, IsEnd: false);
            position = recorded.Checkpoint;
        }

        return new StorePage(page.Events, position, streams.Log.Head, IsEnd: true);
    }, cancellationToken);

    public ValueTask<StreamHead?> FindHeadAsync(StreamId stream, CancellationToken cancellationToken = default) =>
        Locked(() => streams.Find(stream)?.Head, cancellationToken);

    public ValueTask<IReadOnlyList<StreamHead>> ListHeadsAsync(HeadQuery query, CancellationToken cancellationToken = default) =>
        Locked(() => (IReadOnlyList<StreamHead>)[.. streams.ListAfter(query.After)
            .Where(stream => query.Bucket is null || stream.Name.Bucket == query.Bucket)
            .Select(stream => stream.Head)
            .Where(head => head.EventsSinceSnapshot >= query.MinEventsSinceSnapshot)
            .Take(query.Limit)], cancellationToken);

    public ValueTask SaveSnapshotAsync(SnapshotRecord snapshot, CancellationToken cancellationToken = default)
    {
        Description.Limits.Require(snapshot);
        var copy = snapshot with { Payload = snapshot.Payload.ToArray() };
        return Locked(() =>
        {
            var state = streams.StateOf(snapshot.Stream);
            if (streams.Find(snapshot.Stream) is not { } stream || !AttemptRules.Accepts(snapshot, state))
                throw new SnapshotRefusedException(snapshot.Stream, snapshot.Revision, state);
            stream.Snapshots[(snapshot.Revision.Value, snapshot.SchemaVersion)] = copy with { Incarnation = state.Incarnation };
        }, cancellationToken);
    }

    public ValueTask<SnapshotRecord?> FindSnapshotAsync(StreamId stream, Revision atMost, CancellationToken cancellationToken = default) =>
        Locked(
            () => streams.Find(stream)?.Snapshots.Values.LastOrDefault(snapshot => snapshot.Revision <= atMost),
            cancellationToken);

    public ValueTask PruneSnapshotsAsync(StreamId stream, int keep, CancellationToken cancellationToken = default) => Locked(() =>
    {
        if (streams.Find(stream) is not { } found) return;
        while (found.Snapshots.Count > keep) found.Snapshots.RemoveAt(0);
    }, cancellationToken);

    public ValueTask<NamedDocument?> FindDocumentAsync(string name, CancellationToken cancellationToken = default) =>
        Locked(() => documents.GetValueOrDefault(NamedDocument.RequireName(name)), cancellationToken);

    public ValueTask<long?> PutDocumentAsync(
        string name, ReadOnlyMemory<byte> content, long expectedVersion, CancellationToken cancellationToken = default)
    {
        Description.Limits.RequireDocument(name, content);
        var copy = content.ToArray();
        return Locked<long?>(() =>
        {
            if ((documents.GetValueOrDefault(name)?.Version ?? 0) != expectedVersion) return null;
            documents[name] = new NamedDocument(name, ++lastDocumentVersion, copy);
            return lastDocumentVersion;
        }, cancellationToken);
    }

    public ValueTask<bool> DeleteDocumentAsync(string name, long expectedVersion, CancellationToken cancellationToken = default) =>
        Locked(
            () => documents.TryGetValue(NamedDocument.RequireName(name), out var found) && found.Version == expectedVersion
                && documents.Remove(name),
            cancellationToken);

    public ValueTask<IReadOnlyList<NamedDocument>> ListDocumentsAsync(
        string prefix, string after, int limit, CancellationToken cancellationToken = default)
    {
        NamedDocument.RequireListing(prefix, after);
        return Locked(() => (IReadOnlyList<NamedDocument>)[.. documents.Values
            .Where(
                document => document.Name.StartsWith(prefix, StringComparison.Ordinal)
                    && StreamId.CompareCodePoints(document.Name, after) > 0)
            .Take(limit)], cancellationToken);
    }

    public ValueTask WaitForCommitsAsync(Checkpoint after, TimeSpan atMost, CancellationToken cancellationToken = default)
    {
        lifetime.RequireOpened(cancellationToken);
        return signal.WaitAsync(after, atMost, time, cancellationToken);
    }

    public ValueTask<StreamChange> DeleteStreamAsync(
        StreamId stream, StreamExpectation expected, CancellationToken cancellationToken = default) =>
        ChangeAsync(stream, expected, found =>
        {
            streams.Remove(stream);
            return true;
        }, cancellationToken);

    public ValueTask<StreamChange> TruncateStreamAsync(
        StreamId stream, Revision before, StreamExpectation expected, CancellationToken cancellationToken = default) =>
        ChangeAsync(stream, expected, found =>
        {
            var first = new Revision(Math.Min(before.Value, found.Revision.Value + 1));
            if (first <= found.FirstRevision) return false;
            streams.Truncate(found, first);
            return true;
        }, cancellationToken);

    public ValueTask<StreamChange> SealStreamAsync(
        StreamId stream, StreamExpectation expected, CancellationToken cancellationToken = default) =>
        ChangeAsync(stream, expected, found =>
        {
            if (found.IsSealed) return false;
            found.Seal();
            return true;
        }, cancellationToken);

    public ValueTask HoldAsync(string holder, CancellationToken cancellationToken = default) => Locked(() =>
    {
        if (this.holder is { } other && other != holder) throw new StorageHeldException(other);
        this.holder = holder;
    }, cancellationToken);

    public ValueTask ReleaseAsync(string holder, CancellationToken cancellationToken = default) => Locked(() =>
    {
        if (this.holder is { } other && other != holder) throw new StorageHeldException(other);
        this.holder = null;
    }, cancellationToken);

    public ValueTask SkipCheckpointsAsync(Checkpoint upTo, CancellationToken cancellationToken = default) => Locked(() =>
    {
        AttemptRules.RequireSkip(upTo);
        if (holder is null) throw new InvalidOperationException("Checkpoints are skipped only while the storage is held. Call HoldAsync.");
        streams.Log.SkipTo(upTo);
    }, cancellationToken);

    public ValueTask PurgeBucketAsync(string bucket, CancellationToken cancellationToken = default)
    {
        var required = StreamId.RequireBucket(bucket);
        return Locked(() => streams.Purge(required), cancellationToken);
    }

    public ValueTask PurgeAllAsync(CancellationToken cancellationToken = default) => Locked(() => streams.Purge(null), cancellationToken);

    public ValueTask<VerificationReport> VerifyAsync(
        IProgress<VerificationProgress>? progress = null, CancellationToken cancellationToken = default) =>
        Locked(() =>
    {
        var count = streams.Log.Count;
        progress?.Report(new VerificationProgress(count, count));
        return new VerificationReport(streams.ListAfter(null).Sum(stream => (long)stream.Commits.Count), count, []);
    }, cancellationToken);

    public ValueTask DisposeAsync()
    {
        lock (gate) lifetime.End();
        signal.WakeAll();
        return default;
    }

    private ValueTask<StreamChange> ChangeAsync(
        StreamId stream, StreamExpectation expected, Func<StoredStream, bool> change, CancellationToken cancellationToken) =>
        Locked(() =>
    {
        if (streams.Find(stream) is not { } found)
            return new StreamChange(expected.IsMetBy(default) ? StreamChangeKind.Missing : StreamChangeKind.Conflict, default);
        if (!expected.IsMetBy(found.State)) return new StreamChange(StreamChangeKind.Conflict, found.State);
        var isChanged = change(found);
        return new StreamChange(isChanged ? StreamChangeKind.Changed : StreamChangeKind.Unchanged, found.State);
    }, cancellationToken);

    private ValueTask Locked(Action act, CancellationToken cancellationToken)
    {
        lifetime.RequireOpened(cancellationToken);
        lock (gate)
        {
            lifetime.RequireNotDisposed();
            act();
        }

        return default;
    }

    private ValueTask<T> Locked<T>(Func<T> ask, CancellationToken cancellationToken)
    {
        lifetime.RequireOpened(cancellationToken);
        lock (gate)
        {
            lifetime.RequireNotDisposed();
            return new(ask());
        }
    }
}
