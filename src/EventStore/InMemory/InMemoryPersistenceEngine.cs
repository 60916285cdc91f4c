namespace EventStore.InMemory;

/// <summary>
/// The shortest implementation of the engine contract, and an engine for tests. Nothing is kept after it is disposed.
/// </summary>
internal sealed class InMemoryPersistenceEngine : IPersistenceEngine
{
    private const int MaxExaminedPerPage = 16_384;

    // All guarded by the gate. Pages are copied under it, so a reader holds it no longer than a page takes.
    private readonly Lock gate = new();
    private readonly Dictionary<StreamId, StoredStream> streams = [];
    private readonly SortedSet<StreamId> names = [];
    private readonly MemoryLog log = new();
    private readonly SortedDictionary<string, NamedDocument> documents = new(Comparer<string>.Create(StreamId.CompareCodePoints));
    private long lastDocumentVersion;
    private DateTimeOffset lastStamp;
    private string? holder;

    private readonly EngineLifetime<InMemoryPersistenceEngine> lifetime = new();
    private readonly CommitSignal signal = new();
    private readonly TimeProvider time;

    // There is no storage to open, so it is open from the start.
    public InMemoryPersistenceEngine(TimeProvider time)
    {
        this.time = time;
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
            for (var i = 0; i < outcomes.Length; i++) outcomes[i] = Commit(attempts[i]);
        }

        signal.Raise(log.Head);
        return new(outcomes);
    }

    public ValueTask<CommitRecord?> FindCommitAsync(StreamId stream, Guid commitId, CancellationToken cancellationToken = default) =>
        Locked(() => streams.GetValueOrDefault(stream)?.Commits.GetValueOrDefault(commitId), cancellationToken);

    public ValueTask<StreamPage> ReadStreamAsync(StreamRead read, CancellationToken cancellationToken = default) => Locked(() =>
    {
        if (!streams.TryGetValue(read.Stream, out var stream)) return new StreamPage(default, default, IsEnd: true);
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
        foreach (var recorded in log.Candidates(read.Filter, read.After, read.UpTo, read.Direction))
        {
            if (examined++ == MaxExaminedPerPage || (read.Filter.Matches(recorded) && !page.TryAdd(recorded)))
                return new StorePage(page.Events, position, log.Head, IsEnd: false);
            position = recorded.Checkpoint;
        }

        return new StorePage(page.Events, position, log.Head, IsEnd: true);
    }, cancellationToken);

    public ValueTask<StreamHead?> FindHeadAsync(StreamId stream, CancellationToken cancellationToken = default) =>
        Locked(() => streams.TryGetValue(stream, out var found) ? found.Head : null, cancellationToken);

    public ValueTask<IReadOnlyList<StreamHead>> ListHeadsAsync(HeadQuery query, CancellationToken cancellationToken = default) =>
        Locked(() =>
    {
        IEnumerable<StreamId> candidates = names;
        if (query.After is { } after)
            candidates = names.Count == 0 || names.Max.CompareTo(after) <= 0
                ? []
                : names.GetViewBetween(after, names.Max).Where(name => name != after);
        return (IReadOnlyList<StreamHead>)[.. candidates
            .Where(name => query.Bucket is null || name.Bucket == query.Bucket)
            .Select(name => streams[name].Head)
            .Where(head => head.EventsSinceSnapshot >= query.MinEventsSinceSnapshot)
            .Take(query.Limit)];
    }, cancellationToken);

    public ValueTask SaveSnapshotAsync(SnapshotRecord snapshot, CancellationToken cancellationToken = default)
    {
        Description.Limits.Require(snapshot);
        var copy = snapshot with { Payload = snapshot.Payload.ToArray() };
        return Locked(() =>
        {
            var state = StateOf(snapshot.Stream);
            if (!AttemptRules.Accepts(snapshot, state)) throw new SnapshotRefusedException(snapshot.Stream, snapshot.Revision, state);
            var stream = streams[snapshot.Stream];
            stream.Snapshots[(snapshot.Revision.Value, snapshot.SchemaVersion)] = copy with { Incarnation = state.Incarnation };
        }, cancellationToken);
    }

    public ValueTask<SnapshotRecord?> FindSnapshotAsync(StreamId stream, Revision atMost, CancellationToken cancellationToken = default) =>
        Locked(
            () => streams.GetValueOrDefault(stream)?.Snapshots.Values.LastOrDefault(snapshot => snapshot.Revision <= atMost),
            cancellationToken);

    public ValueTask PruneSnapshotsAsync(StreamId stream, int keep, CancellationToken cancellationToken = default) => Locked(() =>
    {
        if (!streams.TryGetValue(stream, out var found)) return;
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
            Remove(stream);
            log.Remove(recorded => recorded.Commit.Stream == stream);
            return true;
        }, cancellationToken);

    public ValueTask<StreamChange> TruncateStreamAsync(
        StreamId stream, Revision before, StreamExpectation expected, CancellationToken cancellationToken = default) =>
        ChangeAsync(stream, expected, found =>
        {
            var first = new Revision(Math.Min(before.Value, found.Revision.Value + 1));
            if (first <= found.FirstRevision) return false;
            found.Truncate(first);
            log.Remove(recorded => recorded.Commit.Stream == stream && recorded.Revision < first);
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
        if (holder is null) throw new InvalidOperationException("Checkpoints are skipped only while the storage is held.");
        log.SkipTo(upTo);
    }, cancellationToken);

    public ValueTask PurgeBucketAsync(string bucket, CancellationToken cancellationToken = default)
    {
        var required = StreamId.RequireBucket(bucket);
        return Locked(() =>
        {
            foreach (var name in names.Where(name => name.Bucket == required).ToArray()) Remove(name);
            log.Remove(recorded => recorded.Commit.Stream.Bucket == required);
        }, cancellationToken);
    }

    public ValueTask PurgeAllAsync(CancellationToken cancellationToken = default) => Locked(() =>
    {
        streams.Clear();
        names.Clear();
        log.Remove(_ => true);
    }, cancellationToken);

    public ValueTask<VerificationReport> VerifyAsync(
        IProgress<VerificationProgress>? progress = null, CancellationToken cancellationToken = default) =>
        Locked(() =>
    {
        progress?.Report(new VerificationProgress(log.Count, log.Count));
        return new VerificationReport(streams.Values.Sum(stream => (long)stream.Commits.Count), log.Count, []);
    }, cancellationToken);

    public ValueTask DisposeAsync()
    {
        lock (gate) lifetime.End();
        signal.WakeAll();
        return default;
    }

    // Nothing is changed until the outcome is known.
    private CommitOutcome Commit(CommitAttempt attempt)
    {
        if (AttemptRules.Refuse(attempt, new Facts(this)) is { } refused) return refused;
        lastStamp = CommitRecord.NextStamp(time, lastStamp, attempt.Stamp);
        var unit = new UnitPlace(log.Head + 1, attempt.MemberCount);
        var first = Append(attempt, unit);
        return CommitOutcome.Committed(first, [.. attempt.Rest.Select(member => Append(member, unit))]);
    }

    private CommitRecord Append(CommitAttempt attempt, UnitPlace unit)
    {
        if (!streams.TryGetValue(attempt.Stream, out var stream))
        {
            streams.Add(attempt.Stream, stream = new StoredStream(attempt.Stream, log.Head + 1));
            names.Add(attempt.Stream);
        }

        var commit = AttemptRules.Accept(attempt, stream.Head, log.Head, lastStamp, unit);
        stream.Commits.Add(attempt.CommitId, commit);
        for (var i = 0; i < attempt.Events.Count; i++)
        {
            var asked = attempt.Events[i];
            var kept = new EventRecord(asked.EventId, asked.EventType, asked.Body.ToArray(), asked.Headers.ToArray(), [.. asked.Tags]);
            var recorded = new RecordedEvent(commit, i, kept);
            stream.Add(recorded);
            log.Add(recorded);
        }

        return commit;
    }

    private ValueTask<StreamChange> ChangeAsync(
        StreamId stream, StreamExpectation expected, Func<StoredStream, bool> change, CancellationToken cancellationToken) =>
        Locked(() =>
    {
        if (!streams.TryGetValue(stream, out var found))
            return new StreamChange(expected.IsMetBy(default) ? StreamChangeKind.Missing : StreamChangeKind.Conflict, default);
        if (!expected.IsMetBy(found.State)) return new StreamChange(StreamChangeKind.Conflict, found.State);
        var isChanged = change(found);
        return new StreamChange(isChanged ? StreamChangeKind.Changed : StreamChangeKind.Unchanged, found.State);
    }, cancellationToken);

    private void Remove(StreamId stream)
    {
        streams.Remove(stream);
        names.Remove(stream);
    }

    private StreamState StateOf(StreamId stream) => streams.GetValueOrDefault(stream)?.State ?? default;

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

    private readonly struct Facts(InMemoryPersistenceEngine engine) : IAttemptFacts
    {
        public Checkpoint HighestRemoved => engine.log.HighestRemoved;

        public StreamState StateOf(StreamId stream) => engine.StateOf(stream);

        public CommitRecord? FindCommit(StreamId stream, Guid commitId) =>
            engine.streams.GetValueOrDefault(stream)?.Commits.GetValueOrDefault(commitId);

        public Checkpoint FindFirstMatch(AppendCondition condition) => engine.log.FindFirstMatch(condition);
    }
}
