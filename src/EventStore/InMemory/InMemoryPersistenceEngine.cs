namespace EventStore.InMemory;

/// <summary>
/// The shortest implementation of the engine contract, and an engine for tests. Nothing is kept after it is disposed.
/// </summary>
internal sealed class InMemoryPersistenceEngine(TimeProvider time) : IPersistenceEngine
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
    private bool isDisposed;

    private readonly CommitSignal signal = new();

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

    public ValueTask InitializeAsync(CancellationToken cancellationToken = default) => Locked(() => { }, cancellationToken);

    public ValueTask<IReadOnlyList<CommitOutcome>> CommitAsync(
        IReadOnlyList<CommitAttempt> attempts, CancellationToken cancellationToken = default)
    {
        for (var i = 0; i < attempts.Count; i++) Description.Limits.Require(attempts[i]);
        cancellationToken.ThrowIfCancellationRequested();
        var outcomes = new CommitOutcome[attempts.Count];
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(isDisposed, this);
            for (var i = 0; i < outcomes.Length; i++) outcomes[i] = Commit(attempts[i]);
        }

        signal.Raise(new Checkpoint(lastCheckpoint));
        return new(outcomes);
    }

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
        ObjectDisposedException.ThrowIf(isDisposed, this);
        return signal.WaitAsync(after, atMost, time, cancellationToken);
    }

    public ValueTask<bool> DeleteStreamAsync(StreamId stream, CancellationToken cancellationToken = default) => Locked(() =>
    {
        if (!streams.Remove(stream)) return false;
        names.Remove(stream);
        log.RemoveAll(entry => entry.Stream.Name == stream);
        return true;
    }, cancellationToken);

    public ValueTask PurgeAsync(string? bucket, CancellationToken cancellationToken = default) => Locked(() =>
    {
        foreach (var name in names.Where(name => bucket is null || name.Bucket == bucket).ToArray())
        {
            streams.Remove(name);
            names.Remove(name);
        }

        log.RemoveAll(entry => bucket is null || entry.Stream.Name.Bucket == bucket);
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
        lock (gate) isDisposed = true;
        signal.WakeAll();
        return default;
    }

    // A duplicate is found before anything else is checked. Nothing is changed until the outcome is known.
    private CommitOutcome Commit(CommitAttempt attempt)
    {
        var isKnown = streams.TryGetValue(attempt.Stream, out var stream);
        if (isKnown && stream!.Commits.TryGetValue(attempt.CommitId, out var original)) return CommitOutcome.Duplicate(original);
        var revision = new Revision(isKnown ? stream!.Events.Count : 0);
        if (!attempt.Expected.IsMetBy(revision)) return CommitOutcome.Conflict(revision);

        if (!isKnown)
        {
            streams.Add(attempt.Stream, stream = new StoredStream(attempt.Stream));
            names.Add(attempt.Stream);
        }

        lastStamp = CommitRecord.NextStamp(time, lastStamp);
        var commit = new CommitRecord(
            attempt.Stream,
            attempt.CommitId,
            new CommitSequence(stream!.Commits.Count + 1),
            lastStamp,
            revision + 1,
            new Checkpoint(lastCheckpoint + 1),
            attempt.Events.Count,
            attempt.Headers.ToArray());
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
        cancellationToken.ThrowIfCancellationRequested();
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(isDisposed, this);
            act();
        }

        return default;
    }

    private ValueTask<T> Locked<T>(Func<T> ask, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(isDisposed, this);
            return new(ask());
        }
    }

    // The log refers to the events of the streams; all entries of a deleted stream are removed.
    private readonly record struct LogEntry(StoredStream Stream, int Index)
    {
        public RecordedEvent Event => Stream.Events[Index];
    }

    private sealed class StoredStream(StreamId name)
    {
        public StreamId Name => name;

        public List<RecordedEvent> Events { get; } = [];

        public Dictionary<Guid, CommitRecord> Commits { get; } = [];

        public SortedList<(long Revision, int SchemaVersion), SnapshotRecord> Snapshots { get; } = [];

        public StreamHead Head =>
            new(
                name,
                new Revision(Events.Count),
                new CommitSequence(Commits.Count),
                Snapshots.Count == 0 ? Revision.None : Snapshots.Values[^1].Revision);
    }
}
