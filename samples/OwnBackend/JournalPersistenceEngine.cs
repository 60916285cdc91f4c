using EventStore.Engines;
using Microsoft.Extensions.Logging;

namespace OwnBackend;

/// <summary>
/// Keeps a store in a journal, one file of JSON lines, and all of it in memory, too: for stores of some hundred megabytes, written by one
/// process. It never takes anything out of the file: what is deleted is gone from every read, not from the disk.
/// </summary>
internal sealed class JournalPersistenceEngine(string path, EngineContext context) : IPersistenceEngine
{
    private readonly ILogger logger = context.Loggers.CreateLogger("EventStore.Journal");
    private readonly CommitSignal signal = new();

    // All guarded by the gate. The file is null before initialization and after a write that failed; the next call opens and replays it.
    private readonly Lock gate = new();
    private JournalMemory memory = new();
    private JournalFile? file;
    private bool mayCreate = context.MayCreateStorage;
    private string? holder; // the import that this engine carries out
    private bool isDisposed;

    public EngineDescription Description { get; } = new(
        "journal",
        "journal:" + path,
        new EngineDurability(Durability.Fast, "each batch is written to the operating system, which flushes it when it sees fit",
            ["After a power loss, opening may name a damaged line near the end; what it and later lines said is then lost."]),
        new EngineLimits(
            MaxEventsPerCommit: 100_000, MaxCommitBytes: 16 << 20, MaxSnapshotBytes: 16 << 20, MaxDocumentBytes: 1 << 20,
            MaxBatchAttempts: 256),
        EngineCapabilities.Reopens);

    public ValueTask InitializeAsync(CancellationToken cancellationToken = default) => Locked(() => { }, cancellationToken);

    public ValueTask<IReadOnlyList<CommitOutcome>> CommitAsync(
        IReadOnlyList<CommitAttempt> attempts, CancellationToken cancellationToken = default)
    {
        foreach (var attempt in attempts) Description.Limits.Require(attempt);
        return Locked(() =>
        {
            if (memory.Holder is { } other && other != holder) throw new StorageHeldException(other);
            var outcomes = new CommitOutcome[attempts.Count];
            Change(entries =>
            {
                for (var i = 0; i < outcomes.Length; i++) outcomes[i] = Decide(attempts[i], entries);
            });
            signal.Raise(memory.Log.Head);
            return (IReadOnlyList<CommitOutcome>)outcomes;
        }, cancellationToken);
    }

    // The checks and their order are those of every engine. An attempt sees what those before it in the batch did.
    // sample: decide
    private CommitOutcome Decide(CommitAttempt attempt, List<JournalEntry> entries)
    {
        if (AttemptRules.Refuse(attempt, memory) is { } refused) return refused;

        var stamp = CommitRecord.NextStamp(context.Time, memory.LastStamp, attempt.Stamp);
        CommitAttempt[] members = [attempt, .. attempt.Rest];
        var entry = new JournalEntry.Committed(attempt.CommitId, stamp, [.. members.Select(Copy)]);
        memory.Apply(entry);
        entries.Add(entry);
        CommitRecord[] commits = [.. members.Select(member => memory.Streams[member.Stream].Commits[attempt.CommitId])];
        return CommitOutcome.Committed(commits[0], commits[1..]);
    }
    // sample: end

    public ValueTask<CommitRecord?> FindCommitAsync(StreamId stream, Guid commitId, CancellationToken cancellationToken = default) =>
        Locked(() => memory.FindCommit(stream, commitId), cancellationToken);

    public ValueTask<StreamPage> ReadStreamAsync(StreamRead read, CancellationToken cancellationToken = default) =>
        Locked(
            () => memory.Streams.GetValueOrDefault(read.Stream)?.Read(read) ?? new StreamPage(default, default, IsEnd: true),
            cancellationToken);

    public ValueTask<StorePage> ReadAllAsync(StoreRead read, CancellationToken cancellationToken = default) =>
        Locked(() => memory.Log.Read(read), cancellationToken);

    public ValueTask<StreamHead?> FindHeadAsync(StreamId stream, CancellationToken cancellationToken = default) =>
        Locked(() => memory.Streams.GetValueOrDefault(stream)?.Head, cancellationToken);

    public ValueTask<IReadOnlyList<StreamHead>> ListHeadsAsync(HeadQuery query, CancellationToken cancellationToken = default) =>
        Locked(() => memory.ListHeads(query), cancellationToken);

    public ValueTask SaveSnapshotAsync(SnapshotRecord snapshot, CancellationToken cancellationToken = default)
    {
        Description.Limits.Require(snapshot);
        return Locked(() =>
        {
            var state = memory.StateOf(snapshot.Stream);
            if (!AttemptRules.Accepts(snapshot, state)) throw new SnapshotRefusedException(snapshot.Stream, snapshot.Revision, state);
            Record(new JournalEntry.SnapshotSaved(
                snapshot.Stream, snapshot.Revision.Value, snapshot.SchemaVersion, snapshot.StateType, snapshot.Payload.ToArray()));
        }, cancellationToken);
    }

    public ValueTask<SnapshotRecord?> FindSnapshotAsync(StreamId stream, Revision atMost, CancellationToken cancellationToken = default) =>
        Locked(
            () => memory.Streams.GetValueOrDefault(stream)?.Snapshots.Values.LastOrDefault(snapshot => snapshot.Revision <= atMost),
            cancellationToken);

    public ValueTask PruneSnapshotsAsync(StreamId stream, int keep, CancellationToken cancellationToken = default) => Locked(() =>
    {
        if (memory.Streams.GetValueOrDefault(stream)?.Snapshots.Count > keep) Record(new JournalEntry.SnapshotsPruned(stream, keep));
    }, cancellationToken);

    public ValueTask<NamedDocument?> FindDocumentAsync(string name, CancellationToken cancellationToken = default) =>
        Locked(() => memory.Documents.GetValueOrDefault(NamedDocument.RequireName(name)), cancellationToken);

    public ValueTask<long?> PutDocumentAsync(
        string name, ReadOnlyMemory<byte> content, long expectedVersion, CancellationToken cancellationToken = default)
    {
        Description.Limits.RequireDocument(name, content);
        return Locked(() =>
        {
            if ((memory.Documents.GetValueOrDefault(name)?.Version ?? 0) != expectedVersion) return (long?)null;
            Record(new JournalEntry.DocumentPut(name, content.ToArray()));
            return memory.Documents[name].Version;
        }, cancellationToken);
    }

    public ValueTask<bool> DeleteDocumentAsync(
        string name, long expectedVersion, CancellationToken cancellationToken = default) => Locked(() =>
    {
        if (memory.Documents.GetValueOrDefault(NamedDocument.RequireName(name))?.Version != expectedVersion) return false;
        Record(new JournalEntry.DocumentDeleted(name));
        return true;
    }, cancellationToken);

    public ValueTask<IReadOnlyList<NamedDocument>> ListDocumentsAsync(
        string prefix, string after, int limit, CancellationToken cancellationToken = default)
    {
        NamedDocument.RequireListing(prefix, after);
        return Locked(() => (IReadOnlyList<NamedDocument>)[.. memory.Documents.Values
            .Where(document => document.Name.StartsWith(prefix, StringComparison.Ordinal))
            .Where(document => StreamId.CompareCodePoints(document.Name, after) > 0)
            .Take(limit)], cancellationToken);
    }

    public async ValueTask WaitForCommitsAsync(Checkpoint after, TimeSpan atMost, CancellationToken cancellationToken = default)
    {
        await InitializeAsync(cancellationToken);
        await signal.WaitAsync(after, atMost, context.Time, cancellationToken);
    }

    public ValueTask<StreamChange> DeleteStreamAsync(
        StreamId stream, StreamExpectation expected, CancellationToken cancellationToken = default) =>
        ChangeAsync(stream, expected, _ => new JournalEntry.StreamDeleted(stream), cancellationToken);

    public ValueTask<StreamChange> TruncateStreamAsync(
        StreamId stream, Revision before, StreamExpectation expected, CancellationToken cancellationToken = default) =>
        ChangeAsync(stream, expected, state =>
        {
            var first = Math.Min(before.Value, state.Revision.Value + 1);
            return first <= state.FirstRevision.Value ? null : new JournalEntry.StreamTruncated(stream, first);
        }, cancellationToken);

    public ValueTask<StreamChange> SealStreamAsync(
        StreamId stream, StreamExpectation expected, CancellationToken cancellationToken = default) =>
        ChangeAsync(stream, expected, state => state.IsSealed ? null : new JournalEntry.StreamSealed(stream), cancellationToken);

    public ValueTask HoldAsync(string holder, CancellationToken cancellationToken = default) => Locked(() =>
    {
        if (memory.Holder is { } other && other != holder) throw new StorageHeldException(other);
        if (memory.Holder is null) Record(new JournalEntry.Held(holder));
        this.holder = holder;
    }, cancellationToken);

    public ValueTask ReleaseAsync(string holder, CancellationToken cancellationToken = default) => Locked(() =>
    {
        if (memory.Holder is { } other && other != holder) throw new StorageHeldException(other);
        if (memory.Holder is not null) Record(new JournalEntry.Held(null));
        this.holder = null;
    }, cancellationToken);

    public ValueTask SkipCheckpointsAsync(Checkpoint upTo, CancellationToken cancellationToken = default) => Locked(() =>
    {
        AttemptRules.RequireSkip(upTo);
        if (holder is null || memory.Holder != holder)
            throw new InvalidOperationException("Checkpoints are skipped only while this engine holds the storage. Call HoldAsync.");
        if (upTo > memory.Log.Head) Record(new JournalEntry.CheckpointsSkipped(upTo.Value));
    }, cancellationToken);

    public ValueTask PurgeBucketAsync(string bucket, CancellationToken cancellationToken = default)
    {
        var required = StreamId.RequireBucket(bucket);
        return Locked(() => Record(new JournalEntry.Purged(required)), cancellationToken);
    }

    public ValueTask PurgeAllAsync(CancellationToken cancellationToken = default) =>
        Locked(() => Record(new JournalEntry.Purged(null)), cancellationToken);

    public ValueTask<VerificationReport> VerifyAsync(
        IProgress<VerificationProgress>? progress = null, CancellationToken cancellationToken = default) => Locked(() =>
    {
        Damage[] damages = [.. file!.FindDamage()];
        var commits = memory.Streams.Values.Sum(stream => (long)stream.Commits.Count);
        var events = memory.Streams.Values.Sum(stream => (long)stream.Events.Count);
        progress?.Report(new VerificationProgress(events, events));
        return new VerificationReport(commits, events, damages);
    }, cancellationToken);

    public ValueTask DisposeAsync()
    {
        lock (gate)
        {
            isDisposed = true;
            file?.Dispose();
            file = null;
        }

        signal.WakeAll();
        return default;
    }

    private static JournalEntry.Member Copy(CommitAttempt asked) =>
        new(asked.Stream, asked.Headers.ToArray(), [.. asked.Events.Select(Copy)]);

    private static JournalEntry.Event Copy(EventRecord asked) =>
        new(asked.EventId, asked.EventType, asked.Body.ToArray(), asked.Headers.ToArray(), [.. asked.Tags]);

    // The entry is null where the stream is already as asked.
    private ValueTask<StreamChange> ChangeAsync(
        StreamId stream, StreamExpectation expected, Func<StreamState, JournalEntry?> change, CancellationToken cancellationToken) =>
        Locked(() =>
    {
        var state = memory.StateOf(stream);
        if (!expected.IsMetBy(state)) return new StreamChange(StreamChangeKind.Conflict, state);
        if (!state.Exists) return new StreamChange(StreamChangeKind.Missing, state);
        if (change(state) is not { } entry) return new StreamChange(StreamChangeKind.Unchanged, state);
        Record(entry);
        return new StreamChange(StreamChangeKind.Changed, entry is JournalEntry.StreamDeleted ? state : memory.StateOf(stream));
    }, cancellationToken);

    private void Record(JournalEntry entry) => Change(entries =>
    {
        memory.Apply(entry);
        entries.Add(entry);
    });

    // Entries are applied to memory first, then written in one go. If either fails both are dropped: the next call opens the file and
    // reads what came of it. A StorageException says that nothing was stored; else the outcome is unknown, and the pipeline asks again.
    private void Change(Action<List<JournalEntry>> apply)
    {
        var entries = new List<JournalEntry>();
        try
        {
            apply(entries);
            file!.Append(entries);
        }
        catch (Exception error)
        {
            file!.Dispose();
            file = null;
            if (error is StorageException) throw;
            throw new BatchOutcomeUnknownException($"Writing '{path}' failed: {error.Message}", error);
        }
    }

    private ValueTask Locked(Action act, CancellationToken cancellationToken)
    {
        var done = Locked(() =>
        {
            act();
            return true;
        }, cancellationToken);
        return done.IsCompletedSuccessfully ? default : new(done.AsTask());
    }

    // Writing to the operating system takes microseconds, so it is done under the gate, without a hop to another thread.
    private ValueTask<T> Locked<T>(Func<T> ask, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(isDisposed, this);
            if (file is null)
            {
                memory = new JournalMemory();
                file = new JournalFile(path, mayCreate, logger, memory.Apply);
                mayCreate = false;
                signal.Raise(memory.Log.Head);
            }

            return new(ask());
        }
    }
}
