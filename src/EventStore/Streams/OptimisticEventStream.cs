using EventStore.Pipeline;

namespace EventStore.Streams;

/// <summary>
/// A stream object. It commits at the revision up to which it was read; after a conflict, the added events are still there.
/// </summary>
/// <param name="stream">The stream.</param>
/// <param name="commits">Stores what is committed.</param>
/// <param name="reads">Reads events.</param>
/// <param name="notShown">Called when a commit is stored, but its events cannot be shown here.</param>
internal sealed class OptimisticEventStream(
    StreamId stream, CommitPath commits, ReadPath reads, Action<CommitRecord, Exception> notShown) : IEventStream
{
    private readonly List<CommittedEvent> committed = [];
    private readonly List<EventMessage> uncommitted = [];
    private readonly List<EventRecord> encoded = [];
    private readonly Dictionary<string, string> headers = new(StringComparer.Ordinal);

    public StreamId Stream { get; } = stream;

    public Revision Revision { get; private set; }

    public Revision FirstRevision { get; private set; } = new(1);

    public Checkpoint Incarnation { get; private set; }

    public CommitSequence CommitSequence { get; private set; }

    public IReadOnlyList<CommittedEvent> CommittedEvents => committed;

    public IReadOnlyList<EventMessage> UncommittedEvents => uncommitted;

    public IDictionary<string, string> UncommittedHeaders => headers;

    public void Add(EventMessage message)
    {
        ArgumentNullException.ThrowIfNull(message);
        encoded.Add(commits.Encode(Stream, message));
        uncommitted.Add(message);
    }

    public ValueTask<CommitResult> CommitChangesAsync(Guid? commitId = null, CancellationToken cancellationToken = default)
    {
        var id = commitId ?? SequentialGuid.Next();
        return commits.ToCaller(CommitAndFollowAsync(id, cancellationToken), id);
    }

    public void ClearChanges()
    {
        uncommitted.Clear();
        encoded.Clear();
        headers.Clear();
    }

    public ValueTask RefreshAsync(CancellationToken cancellationToken = default) => LoadAfterAsync(Revision.Max, cancellationToken);

    private async ValueTask<CommitResult> CommitAndFollowAsync(Guid commitId, CancellationToken cancellationToken)
    {
        if (uncommitted.Count == 0)
            throw new InvalidOperationException($"Nothing was added to stream '{Stream}'. Add at least one event before committing.");
        EventMessage[] messages = [.. uncommitted];
        EventRecord[] records = [.. encoded];
        var (result, stored) = await commits.CommitAsync(
            new CommitRequest(Stream, commitId, messages)
            {
                Expected = new StreamExpectation(Revision, Incarnation),
                Headers = headers.Count == 0 ? null : headers,
            },
            records,
            cancellationToken).ConfigureAwait(false);

        uncommitted.RemoveRange(0, messages.Length);
        encoded.RemoveRange(0, messages.Length);
        headers.Clear();
        await FollowAsync(stored, result.IsDuplicate, records).ConfigureAwait(false);
        return result;
    }

    /// <summary>Reads a range and adds it to the events read before.</summary>
    /// <returns>False where there is no such stream.</returns>
    /// <exception cref="ReadInterruptedException">The stream was deleted since it was read first.</exception>
    public async ValueTask<bool> LoadAsync(StreamRange range, CancellationToken cancellationToken)
    {
        // Events are added only after all of them were read, so that a failed read may be repeated.
        var events = new List<CommittedEvent>();
        if (await reads.LoadAsync(Stream, range, events, cancellationToken).ConfigureAwait(false) is not { } loaded) return true;
        RequireSame(loaded.State);
        committed.AddRange(events);
        FirstRevision = Max(new(1), loaded.State.FirstRevision);
        if (loaded.Last is not { } last) return loaded.State.Exists;
        (Revision, CommitSequence, Incarnation) = (last.Revision, last.Commit.Sequence, loaded.State.Incarnation);
        return true;
    }

    /// <summary>Reads what follows the events read before, up to a revision.</summary>
    public async ValueTask LoadAfterAsync(Revision upTo, CancellationToken cancellationToken) =>
        await LoadAsync(new StreamRange { From = Revision + 1, To = upTo }, cancellationToken).ConfigureAwait(false);

    /// <summary>Starts after events that are not read.</summary>
    public void StartAt(StreamHead head) => (Revision, CommitSequence, FirstRevision, Incarnation) =
        (head.Revision, head.CommitSequence, head.FirstRevision, head.Incarnation);

    /// <summary>Starts after a snapshot, whose events are not read.</summary>
    public void StartAt(Snapshot snapshot, CommitSequence sequence) =>
        (Revision, CommitSequence, Incarnation) = (snapshot.Revision, sequence, snapshot.Incarnation);

    private void RequireSame(StreamState state)
    {
        if (Incarnation != Checkpoint.Origin && state.Incarnation != Incarnation)
            throw new ReadInterruptedException(Stream, Revision);
    }

    // The commit is stored, so nothing here may make it fail: events that cannot be shown now are left to the next refresh or read.
    private async ValueTask FollowAsync(CommitRecord stored, bool isDuplicate, EventRecord[] records)
    {
        try
        {
            if (isDuplicate || stored.FirstRevision != Revision + 1)
            {
                // The commit may come before the known events, or after a gap; and a duplicate was stored from other messages than these.
                if (stored.LastRevision > Revision) await LoadAfterAsync(stored.LastRevision, CancellationToken.None).ConfigureAwait(false);
                return;
            }

            (Revision, CommitSequence) = (stored.LastRevision, stored.Sequence);
            if (stored.FirstRevision.Value == 1) Incarnation = stored.FirstCheckpoint;
            for (var i = 0; i < records.Length; i++)
            {
                if (reads.Show(new RecordedEvent(stored, i, records[i]), EventDecoding.OnDemand) is { } shown) committed.Add(shown);
            }
        }
        catch (Exception error)
        {
            notShown(stored, error);
        }
    }

    private static Revision Max(Revision left, Revision right) => left > right ? left : right;
}
