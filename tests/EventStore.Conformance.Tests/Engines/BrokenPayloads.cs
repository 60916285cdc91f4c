using System.Collections.Concurrent;
using System.Text;

namespace EventStore.Conformance.Tests.Engines;

/// <summary>Turns an empty list into an empty object, as decoding and encoding JSON inside a script does (G10).</summary>
[CaughtBy(typeof(PayloadSpecification<>), nameof(PayloadSpecification<>.Every_payload_is_read_back_byte_for_byte))]
internal sealed class RewritesEmptyLists(IPersistenceEngine inner) : ChangesWhatIsRead(inner)
{
    protected override EventRecord Change(EventRecord record) =>
        record.Body.Span.SequenceEqual("[]"u8)
            ? new EventRecord(record.EventId, record.EventType, "{}"u8.ToArray(), record.Headers, record.Tags)
            : record;
}

/// <summary>Keeps bytes as text, which loses those that are no UTF-8 (G10).</summary>
[CaughtBy(typeof(PayloadSpecification<>), nameof(PayloadSpecification<>.Every_payload_is_read_back_byte_for_byte))]
[CaughtBy(typeof(PayloadSpecification<>), nameof(PayloadSpecification<>.A_body_of_eight_mebibytes_is_read_back_byte_for_byte))]
internal sealed class KeepsBytesAsText(IPersistenceEngine inner) : ChangesWhatIsRead(inner)
{
    protected override EventRecord Change(EventRecord record) =>
        new(
            record.EventId,
            record.EventType,
            Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(record.Body.Span)),
            record.Headers,
            record.Tags);
}

/// <summary>Keeps the caller's arrays instead of copies, so that the caller can change history (G10).</summary>
[CaughtBy(typeof(PayloadSpecification<>), nameof(PayloadSpecification<>.Later_changes_of_the_caller_have_no_effect))]
internal sealed class KeepsTheCallersArrays(IPersistenceEngine inner) : ChangesWhatIsRead(inner)
{
    private readonly ConcurrentDictionary<Guid, ReadOnlyMemory<byte>> bodies = [];

    public override ValueTask<IReadOnlyList<CommitOutcome>> CommitAsync(
        IReadOnlyList<CommitAttempt> attempts, CancellationToken cancellationToken = default)
    {
        foreach (var record in attempts.SelectMany(attempt => attempt.Events)) bodies[record.EventId] = record.Body;
        return Inner.CommitAsync(attempts, cancellationToken);
    }

    protected override EventRecord Change(EventRecord record) =>
        new(record.EventId, record.EventType, bodies.GetValueOrDefault(record.EventId, record.Body), record.Headers, record.Tags);
}

/// <summary>Keeps the caller's array of a snapshot (G10).</summary>
[CaughtBy(typeof(PayloadSpecification<>), nameof(PayloadSpecification<>.Later_changes_of_the_caller_have_no_effect))]
internal sealed class KeepsTheCallersState(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    private readonly ConcurrentDictionary<(StreamId, Revision, int), SnapshotRecord> saved = [];

    public override ValueTask SaveSnapshotAsync(SnapshotRecord snapshot, CancellationToken cancellationToken = default)
    {
        saved[(snapshot.Stream, snapshot.Revision, snapshot.SchemaVersion)] = snapshot;
        return Inner.SaveSnapshotAsync(snapshot, cancellationToken);
    }

    public override async ValueTask<SnapshotRecord?> FindSnapshotAsync(
        StreamId stream, Revision atMost, CancellationToken cancellationToken = default) =>
        await Inner.FindSnapshotAsync(stream, atMost, cancellationToken) is { } found
            ? saved[(stream, found.Revision, found.SchemaVersion)]
            : null;
}

/// <summary>Stores an empty snapshot as none (G10).</summary>
[CaughtBy(typeof(PayloadSpecification<>), nameof(PayloadSpecification<>.Snapshots_and_documents_keep_their_bytes_too))]
internal sealed class TakesEmptyForMissing(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override async ValueTask<SnapshotRecord?> FindSnapshotAsync(
        StreamId stream, Revision atMost, CancellationToken cancellationToken = default) =>
        await Inner.FindSnapshotAsync(stream, atMost, cancellationToken) is { Payload.Length: > 0 } found ? found : null;
}

/// <summary>Stores stamps to the millisecond and returns them to the microsecond (G11).</summary>
[CaughtBy(
    typeof(PayloadSpecification<>),
    nameof(PayloadSpecification<>.The_stamp_is_utc_to_the_microsecond_and_is_read_back_as_it_was_returned))]
internal sealed class LosesMicroseconds(IPersistenceEngine inner) : ChangesWhatIsRead(inner)
{
    protected override CommitRecord Change(CommitRecord commit) =>
        commit with { Stamp = commit.Stamp.AddTicks(-(commit.Stamp.Ticks % TimeSpan.TicksPerMillisecond)) };
}

/// <summary>Uses the clock for stamps, also when it was set back (G11).</summary>
[CaughtBy(
    typeof(PayloadSpecification<>),
    nameof(PayloadSpecification<>.Stamps_never_decrease_along_checkpoints_when_the_clock_jumps_back_and_order_never_depends_on_them))]
internal sealed class FollowsTheClockBack(IPersistenceEngine inner, TimeProvider time) : ChangesWhatIsRead(inner)
{
    private readonly ConcurrentDictionary<Checkpoint, DateTimeOffset> stamps = [];

    public override async ValueTask<IReadOnlyList<CommitOutcome>> CommitAsync(
        IReadOnlyList<CommitAttempt> attempts, CancellationToken cancellationToken = default)
    {
        var outcomes = await Inner.CommitAsync(attempts, cancellationToken);
        foreach (var outcome in outcomes)
            if (outcome.Kind == CommitOutcomeKind.Committed) stamps[outcome.Commit!.FirstCheckpoint] = time.GetUtcNow();
        return outcomes;
    }

    protected override CommitRecord Change(CommitRecord commit) =>
        commit with { Stamp = stamps.GetValueOrDefault(commit.FirstCheckpoint, commit.Stamp) };
}

/// <summary>Reads all events in the order of their stamps, which jumps with the clock (G11).</summary>
[CaughtBy(
    typeof(PayloadSpecification<>),
    nameof(PayloadSpecification<>.Stamps_never_decrease_along_checkpoints_when_the_clock_jumps_back_and_order_never_depends_on_them))]
internal sealed class OrdersByTheClock(IPersistenceEngine inner, TimeProvider time) : DelegatingEngine(inner)
{
    private readonly ConcurrentDictionary<Checkpoint, DateTimeOffset> clock = [];

    public override async ValueTask<IReadOnlyList<CommitOutcome>> CommitAsync(
        IReadOnlyList<CommitAttempt> attempts, CancellationToken cancellationToken = default)
    {
        var outcomes = await Inner.CommitAsync(attempts, cancellationToken);
        foreach (var outcome in outcomes)
            if (outcome.Kind == CommitOutcomeKind.Committed) clock[outcome.Commit!.FirstCheckpoint] = time.GetUtcNow();
        return outcomes;
    }

    public override async ValueTask<StorePage> ReadAllAsync(StoreRead read, CancellationToken cancellationToken = default)
    {
        var page = await Inner.ReadAllAsync(read, cancellationToken);
        var ordered = page.Events.ToArray().OrderBy(recorded => clock.GetValueOrDefault(recorded.Commit.FirstCheckpoint)).ToArray();
        return page with { Events = ordered };
    }
}
