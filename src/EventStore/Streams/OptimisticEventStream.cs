using EventStore.Pipeline;

namespace EventStore.Streams;

/// <summary>One stream at work. It commits at the revision up to which it was read; a conflict leaves what was added untouched.</summary>
internal sealed class OptimisticEventStream(StreamId stream, CommitPath commits, ReadPath reads) : IEventStream
{
    private readonly List<CommittedEvent> committed = [];
    private readonly List<EventMessage> uncommitted = [];
    private readonly List<EventRecord> encoded = [];
    private readonly Dictionary<string, string> headers = new(StringComparer.Ordinal);

    public StreamId Stream { get; } = stream;

    public Revision Revision { get; private set; }

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

    public async ValueTask<CommitResult> CommitChangesAsync(Guid? commitId = null, CancellationToken cancellationToken = default)
    {
        if (uncommitted.Count == 0) throw new InvalidOperationException($"Nothing was added to stream '{Stream}'. Add at least one event before committing.");
        EventMessage[] messages = [.. uncommitted];
        EventRecord[] records = [.. encoded];
        var (result, stored) = await commits.CommitAsync(
            Stream, Revision, commitId ?? NewId.Next(), messages, records, headers.Count == 0 ? null : headers, cancellationToken).ConfigureAwait(false);

        uncommitted.RemoveRange(0, messages.Length);
        encoded.RemoveRange(0, messages.Length);
        headers.Clear();
        await FollowAsync(stored, result.IsDuplicate, records).ConfigureAwait(false);
        return result;
    }

    public void ClearChanges()
    {
        uncommitted.Clear();
        encoded.Clear();
        headers.Clear();
    }

    public ValueTask RefreshAsync(CancellationToken cancellationToken = default) => LoadAsync(new StreamRange { From = Revision + 1 }, cancellationToken);

    /// <summary>Reads a range onto the end of what is known.</summary>
    public async ValueTask LoadAsync(StreamRange range, CancellationToken cancellationToken)
    {
        // What is read joins what is known only when all of it is there: a read that fails may be repeated.
        var loaded = new List<CommittedEvent>();
        if (await reads.LoadAsync(Stream, range, loaded, cancellationToken).ConfigureAwait(false) is not { } last) return;
        committed.AddRange(loaded);
        (Revision, CommitSequence) = (last.Revision, last.Commit.Sequence);
    }

    /// <summary>Starts behind events that are not read.</summary>
    public void StartAt(Revision revision, CommitSequence sequence) => (Revision, CommitSequence) = (revision, sequence);

    // The commit stands, so nothing here makes it fail: what cannot be shown now is left to the next refresh or read.
    private async ValueTask FollowAsync(CommitRecord stored, bool isDuplicate, EventRecord[] records)
    {
        try
        {
            if (isDuplicate || stored.FirstRevision != Revision + 1)
            {
                // It may lie before what is known here, or behind a gap, and a duplicate was stored from other messages than these.
                if (stored.LastRevision > Revision) await LoadAsync(new StreamRange { From = Revision + 1, To = stored.LastRevision }, CancellationToken.None).ConfigureAwait(false);
                return;
            }

            (Revision, CommitSequence) = (stored.LastRevision, stored.Sequence);
            for (var i = 0; i < records.Length; i++)
            {
                if (reads.Show(new RecordedEvent(stored, i, records[i]), EventDecoding.OnDemand) is { } shown) committed.Add(shown);
            }
        }
        catch (Exception error)
        {
            commits.TellUnfollowed(stored, error);
        }
    }
}
