using System.Globalization;
using System.Text;

namespace EventStore.FileSystem.Tests.Simulation;

/// <summary>All that a store holds, or should hold: the plain reading of what the contract says each operation does.</summary>
internal sealed class StoreContent
{
    private readonly SortedDictionary<StreamId, StreamContent> streams = [];
    private readonly SortedDictionary<string, ulong> documents = new(StringComparer.Ordinal);

    /// <summary>The checkpoint of the newest event ever, deleted ones included.</summary>
    public long Head { get; private set; }

    public IReadOnlyDictionary<StreamId, StreamContent> Streams => streams;

    /// <summary>Equal for equal contents.</summary>
    public ulong Fingerprint
    {
        get
        {
            var fingerprint = default(Fingerprint);
            fingerprint.Add(Head);
            foreach (var (stream, content) in streams)
            {
                fingerprint.Add(stream.Id);
                content.AddTo(ref fingerprint);
            }

            foreach (var (name, document) in documents)
            {
                fingerprint.Add(name);
                fingerprint.Add(document);
            }

            return fingerprint.Value;
        }
    }

    public bool IsSealed(StreamId stream) => streams.TryGetValue(stream, out var content) && content.IsSealed;

    /// <summary>Adds a commit; returns the revision and checkpoint of its first event.</summary>
    public (long Revision, long Checkpoint) Append(CommitAttempt attempt)
    {
        var stream = StreamOf(attempt.Stream);
        var (revision, checkpoint) = (stream.Revision + 1, Head + 1);
        if (stream.Revision == 0) stream.Begin(checkpoint);
        stream.BeginCommit(stream.Sequence + 1, stream.Revision + attempt.Events.Count);
        for (var i = 0; i < attempt.Events.Count; i++)
        {
            stream.Events.Add(
                StoredEvent.Of(++Head, revision + i, stream.Sequence, attempt.CommitId, attempt.Headers.Span, attempt.Events[i]));
        }

        return (revision, checkpoint);
    }

    /// <summary>Passes over checkpoints.</summary>
    public void Skip(long checkpoints) => Head += checkpoints;

    /// <summary>Notes what a head says of a stream.</summary>
    public void Note(StreamHead head)
    {
        var stream = StreamOf(head.Stream);
        stream.Begin(head.Incarnation.Value);
        if (head.IsSealed) stream.Seal();
        stream.BeginCommit(head.CommitSequence.Value, head.Revision.Value);
    }

    public void Truncate(StreamId stream, long before)
    {
        if (!streams.TryGetValue(stream, out var content) || before <= content.FirstRevision) return;
        content.Events.RemoveRange(0, (int)Math.Min(before - content.FirstRevision, content.Events.Count));
        foreach (var old in content.Snapshots.Keys.Where(key => key.Revision < content.FirstRevision - 1).ToArray())
            content.Snapshots.Remove(old);
    }

    public void Seal(StreamId stream)
    {
        if (streams.TryGetValue(stream, out var content)) content.Seal();
    }

    public void Add(RecordedEvent recorded)
    {
        var (commit, stream) = (recorded.Commit, StreamOf(recorded.Commit.Stream));
        stream.BeginCommit(commit.Sequence.Value, recorded.Revision.Value);
        stream.Events.Add(
            StoredEvent.Of(
                recorded.Checkpoint.Value, recorded.Revision.Value, commit.Sequence.Value, commit.CommitId, commit.Headers.Span,
                recorded.Record));
    }

    public void Reach(Checkpoint head) => Head = head.Value;

    public bool Delete(StreamId stream) => streams.Remove(stream);

    public void Purge(string? bucket)
    {
        foreach (var stream in streams.Keys.Where(stream => bucket is null || stream.Bucket == bucket).ToArray()) streams.Remove(stream);
    }

    public void Save(SnapshotRecord snapshot)
    {
        var fingerprint = default(Fingerprint);
        fingerprint.Add(snapshot.StateType);
        fingerprint.Add(snapshot.Payload.Span);
        StreamOf(snapshot.Stream).Snapshots[(snapshot.Revision.Value, snapshot.SchemaVersion)] = fingerprint.Value;
    }

    public void Prune(StreamId stream, int keep)
    {
        if (!streams.TryGetValue(stream, out var content)) return;
        foreach (var old in content.Snapshots.Keys.SkipLast(keep).ToArray()) content.Snapshots.Remove(old);
    }

    public void Put(string name, ReadOnlySpan<byte> content)
    {
        var fingerprint = default(Fingerprint);
        fingerprint.Add(content);
        documents[name] = fingerprint.Value;
    }

    public bool DeleteDocument(string name) => documents.Remove(name);

    /// <summary>Its content as text.</summary>
    public override string ToString()
    {
        var text = new StringBuilder(string.Create(CultureInfo.InvariantCulture, $"up to checkpoint {Head}\n"));
        foreach (var (stream, content) in streams)
        {
            text.Append(CultureInfo.InvariantCulture, $"{stream} at revision {content.Revision}, sequence {content.Sequence}");
            text.Append(CultureInfo.InvariantCulture, $", of {content.Incarnation}{(content.IsSealed ? ", sealed" : "")}:");
            foreach (var stored in content.Events)
                text.Append(CultureInfo.InvariantCulture, $" {stored.Checkpoint}={stored.Fingerprint & 0xFFFF:x4}");
            foreach (var ((revision, schemaVersion), payload) in content.Snapshots)
                text.Append(CultureInfo.InvariantCulture, $" snapshot {revision}.{schemaVersion}={payload & 0xFFFF:x4}");
            text.Append('\n');
        }

        foreach (var (name, document) in documents) text.Append(CultureInfo.InvariantCulture, $"{name}={document & 0xFFFF:x4}\n");
        return text.ToString();
    }

    private StreamContent StreamOf(StreamId stream)
    {
        if (!streams.TryGetValue(stream, out var content)) streams.Add(stream, content = new StreamContent());
        return content;
    }
}

/// <summary>A stream with its snapshots.</summary>
internal sealed class StreamContent
{
    public List<StoredEvent> Events { get; } = [];

    public long Sequence { get; private set; }

    public long Revision { get; private set; }

    public long FirstRevision => Revision - Events.Count + 1;

    /// <summary>The checkpoint of its first event ever.</summary>
    public long Incarnation { get; private set; }

    public bool IsSealed { get; private set; }

    public SortedDictionary<(long Revision, int SchemaVersion), ulong> Snapshots { get; } = [];

    public void Begin(long incarnation) => Incarnation = incarnation;

    public void Seal() => IsSealed = true;

    public void BeginCommit(long sequence, long revision) => (Sequence, Revision) = (sequence, revision);

    public void AddTo(ref Fingerprint fingerprint)
    {
        fingerprint.Add(Sequence);
        fingerprint.Add(Revision);
        fingerprint.Add(Incarnation);
        fingerprint.Add(IsSealed ? 1L : 0);
        foreach (var stored in Events) fingerprint.Add(stored.Fingerprint);

        // Of snapshots only the newest can be seen.
        if (Snapshots.Count == 0) return;
        var ((revision, schemaVersion), payload) = Snapshots.Last();
        fingerprint.Add(revision);
        fingerprint.Add(schemaVersion);
        fingerprint.Add(payload);
    }
}

/// <summary>An event with all its numbers, as a fingerprint.</summary>
internal readonly record struct StoredEvent(long Checkpoint, Guid CommitId, ulong Fingerprint)
{
    public static StoredEvent Of(
        long checkpoint, long revision, long sequence, Guid commitId, ReadOnlySpan<byte> commitHeaders, in EventRecord recorded)
    {
        var fingerprint = default(Fingerprint);
        fingerprint.Add(checkpoint);
        fingerprint.Add(revision);
        fingerprint.Add(sequence);
        fingerprint.Add(commitId);
        fingerprint.Add(commitHeaders);
        fingerprint.Add(recorded.EventId);
        fingerprint.Add(recorded.EventType);
        fingerprint.Add(recorded.Headers.Span);
        fingerprint.Add(recorded.Body.Span);
        foreach (var tag in recorded.Tags) fingerprint.Add(tag);
        return new StoredEvent(checkpoint, commitId, fingerprint.Value);
    }
}
