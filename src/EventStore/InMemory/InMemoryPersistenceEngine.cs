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
    private readonly List<LogEntry> log = [];
    private readonly SortedDictionary<string, NamedDocument> documents = new(Comparer<string>.Create(StreamId.CompareCodePoints));
    private long lastCheckpoint;
    private long lastDocumentVersion;
    private DateTimeOffset lastStamp;

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

        signal.Raise(new Checkpoint(lastCheckpoint));
        return new(outcomes);
    }

    public ValueTask<CommitRecord?> FindCommitAsync(StreamId stream, Guid commitId, CancellationToken cancellationToken = default) =>
        Locked(() => streams.GetValueOrDefault(stream)?.Commits.GetValueOrDefault(commitId), cancellationToken);

    public ValueTask<StreamPage> ReadStreamAsync(StreamRead read, CancellationToken cancellationToken = default) => Locked(() =>
    {
        if (!streams.TryGetValue(read.Stream, out var stream)) return new StreamPage(default, Revision.None, IsEnd: true);
        var (low, high) = (read.From.Value, Math.Min(read.To.Value, stream.Events.Count));
        var page = new PageBuilder(read.Limit);
        for (var i = 0L; i <= high - low; i++)
        {
            if (!page.TryAdd(stream.Events[(int)(read.Direction == ReadDirection.Forward ? low + i : high - i) - 1])) break;
        }

        return new StreamPage(page.Events, new Revision(stream.Events.Count), IsEnd: page.Count >= high - low + 1);
    }, cancellationToken);

    public ValueTask<StorePage> ReadAllAsync(StoreRead read, CancellationToken cancellationToken = default) => Locked(() =>
    {
        var forward = read.Direction == ReadDirection.Forward;
        int next = forward ? IndexAfter(read.After) : IndexAfter(read.UpTo) - 1, step = forward ? 1 : -1;
        var page = new PageBuilder(read.Limit);
        var position = forward ? read.After : read.UpTo;
        for (var examined = 0; next >= 0 && next < log.Count; next += step)
        {
            var recorded = log[next].Event;
            if (recorded.Checkpoint <= read.After || recorded.Checkpoint > read.UpTo) break;
            if (examined++ == MaxExaminedPerPage || (read.Filter.Matches(recorded) && !page.TryAdd(recorded)))
                return new StorePage(page.Events, position, new Checkpoint(lastCheckpoint), IsEnd: false);
            position = recorded.Checkpoint;
        }

        return new StorePage(page.Events, position, new Checkpoint(lastCheckpoint), IsEnd: true);
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
            if (!streams.TryGetValue(snapshot.Stream, out var stream) || snapshot.Revision.Value > stream.Events.Count)
                throw new SnapshotRefusedException(snapshot.Stream, snapshot.Revision, new Revision(stream?.Events.Count ?? 0));
            stream.Snapshots[(snapshot.Revision.Value, snapshot.SchemaVersion)] = copy;
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
            () => documents.TryGetValue(name, out var found) && found.Version == expectedVersion && documents.Remove(name),
            cancellationToken);

    public ValueTask<IReadOnlyList<NamedDocument>> ListDocumentsAsync(
        string prefix, string after, int limit, CancellationToken cancellationToken = default) =>
        Locked(() => (IReadOnlyList<NamedDocument>)[.. documents.Values
            .Where(
                document => document.Name.StartsWith(prefix, StringComparison.Ordinal)
                    && StreamId.CompareCodePoints(document.Name, after) > 0)
            .Take(limit)], cancellationToken);

    public ValueTask WaitForCommitsAsync(Checkpoint after, TimeSpan atMost, CancellationToken cancellationToken = default)
    {
        lifetime.RequireOpened(cancellationToken);
        return signal.WaitAsync(after, atMost, time, cancellationToken);
    }

    public ValueTask<bool> DeleteStreamAsync(StreamId stream, CancellationToken cancellationToken = default) => Locked(() =>
    {
        if (!streams.Remove(stream)) return false;
        names.Remove(stream);
        log.RemoveAll(entry => entry.Stream.Name == stream);
        return true;
    }, cancellationToken);

    public ValueTask PurgeBucketAsync(string bucket, CancellationToken cancellationToken = default)
    {
        var required = StreamId.RequireBucket(bucket);
        return Locked(() =>
        {
            foreach (var name in names.Where(name => name.Bucket == required).ToArray())
            {
                streams.Remove(name);
                names.Remove(name);
            }

            log.RemoveAll(entry => entry.Stream.Name.Bucket == required);
        }, cancellationToken);
    }

    public ValueTask PurgeAllAsync(CancellationToken cancellationToken = default) => Locked(() =>
    {
        streams.Clear();
        names.Clear();
        log.Clear();
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
        var stream = streams.GetValueOrDefault(attempt.Stream);
        var revision = new Revision(stream?.Events.Count ?? 0);
        if (AttemptRules.Refuse(attempt, revision, stream?.Commits.GetValueOrDefault(attempt.CommitId)) is { } refused) return refused;

        if (stream is null)
        {
            streams.Add(attempt.Stream, stream = new StoredStream(attempt.Stream));
            names.Add(attempt.Stream);
        }

        lastStamp = CommitRecord.NextStamp(time, lastStamp);
        var commit = AttemptRules.Accept(
            attempt, revision, new CommitSequence(stream.Commits.Count), new Checkpoint(lastCheckpoint), lastStamp);
        stream.Commits.Add(attempt.CommitId, commit);
        for (var i = 0; i < attempt.Events.Count; i++)
        {
            var asked = attempt.Events[i];
            log.Add(new LogEntry(stream, stream.Events.Count));
            stream.Events.Add(
                new RecordedEvent(
                    commit, i, new EventRecord(asked.EventId, asked.EventType, asked.Body.ToArray(), asked.Headers.ToArray())));
        }

        lastCheckpoint += attempt.Events.Count;
        return CommitOutcome.Committed(commit);
    }

    // The first index of the log after a checkpoint.
    private int IndexAfter(Checkpoint checkpoint)
    {
        int low = 0, high = log.Count;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (log[middle].Event.Checkpoint <= checkpoint) low = middle + 1;
            else high = middle;
        }

        return low;
    }

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
