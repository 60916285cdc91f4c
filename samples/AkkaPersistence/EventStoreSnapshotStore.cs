using System.Globalization;
using Akka.Actor;
using Akka.Configuration;
using Akka.Persistence;
using Akka.Persistence.Snapshot;
using EventStore;

namespace AkkaPersistence;

/// <summary>
/// Snapshots of persistent actors in an event store: a stream for each, so that each can be deleted by itself. Akka allows snapshots above
/// the events of an actor, and selects them by a time that the actor gives; snapshots of the store allow neither.
/// </summary>
public sealed class EventStoreSnapshotStore : SnapshotStore
{
    private const string TimestampHeader = "akka-timestamp";

    private readonly Config plugin;
    private readonly EventStores stores;
    private readonly PayloadCodec codec;
    private readonly string category;

    /// <summary>Created by Akka.</summary>
    /// <param name="plugin">The plugin's part of the configuration.</param>
    public EventStoreSnapshotStore(Config plugin)
    {
        this.plugin = plugin;
        stores = EventStores.Of(Context.System);
        codec = new((ExtendedActorSystem)Context.System, plugin);
        category = plugin.GetString("category");
    }

    /// <inheritdoc/>
    protected override async Task<SelectedSnapshot?> LoadAsync(
        string persistenceId, SnapshotSelectionCriteria criteria, CancellationToken cancellationToken)
    {
        var store = await stores.OpenAsync(plugin);
        foreach (var (sequenceNr, stream) in (await ListAsync(store, persistenceId, criteria, cancellationToken)).AsEnumerable().Reverse())
        {
            if (await FindAsync(store, stream, cancellationToken) is not { } saved || !IsIn(criteria, TimestampOf(saved))) continue;
            return new SelectedSnapshot(new SnapshotMetadata(persistenceId, sequenceNr, TimestampOf(saved)), codec.Decode(saved));
        }

        return null;
    }

    /// <inheritdoc/>
    protected override async Task SaveAsync(SnapshotMetadata metadata, object snapshot, CancellationToken cancellationToken)
    {
        var store = await stores.OpenAsync(plugin);
        var stream = StreamOf(metadata);
        var headers = new Dictionary<string, string>
        {
            [TimestampHeader] = metadata.Timestamp.Ticks.ToString(CultureInfo.InvariantCulture),
        };
        var saved = await store.AppendAsync(stream, ExpectedRevision.Any, codec.Encode(snapshot, headers), cancellationToken);

        // It takes the place of one with the same number.
        if (saved.FirstRevision.Value > 1) await store.TruncateStreamAsync(stream, saved.FirstRevision, null, cancellationToken);
    }

    /// <inheritdoc/>
    protected override async Task DeleteAsync(SnapshotMetadata metadata, CancellationToken cancellationToken)
    {
        var store = await stores.OpenAsync(plugin);
        var stream = StreamOf(metadata);
        if (metadata.Timestamp != DateTime.MinValue
            && (await FindAsync(store, stream, cancellationToken) is not { } saved || TimestampOf(saved) != metadata.Timestamp)) return;
        await store.DeleteStreamAsync(stream, cancellationToken);
    }

    /// <inheritdoc/>
    protected override async Task DeleteAsync(
        string persistenceId, SnapshotSelectionCriteria criteria, CancellationToken cancellationToken)
    {
        var store = await stores.OpenAsync(plugin);
        foreach (var (_, stream) in await ListAsync(store, persistenceId, criteria, cancellationToken))
        {
            if (await FindAsync(store, stream, cancellationToken) is { } saved && IsIn(criteria, TimestampOf(saved)))
                await store.DeleteStreamAsync(stream, cancellationToken);
        }
    }

    // Ids of the same length with the same beginning are equal. Padded numbers are listed in their order.
    private static string PrefixOf(string persistenceId) =>
        string.Create(CultureInfo.InvariantCulture, $"{persistenceId.Length}:{persistenceId}:");

    private static DateTime TimestampOf(CommittedEvent saved) =>
        new(long.Parse(saved.Headers[TimestampHeader], CultureInfo.InvariantCulture), DateTimeKind.Utc);

    private static bool IsIn(SnapshotSelectionCriteria criteria, DateTime timestamp) =>
        timestamp <= criteria.MaxTimeStamp && timestamp >= (criteria.MinTimestamp ?? DateTime.MinValue);

    private static ValueTask<CommittedEvent?> FindAsync(IEventStore store, StreamId stream, CancellationToken cancellationToken) =>
        store.ReadStreamAsync(stream, new StreamRange { Last = 1 }, EventDecoding.OnDemand, cancellationToken)
            .LastOrDefaultAsync(cancellationToken);

    private async Task<List<(long SequenceNr, StreamId Stream)>> ListAsync(
        IEventStore store, string persistenceId, SnapshotSelectionCriteria criteria, CancellationToken cancellationToken)
    {
        var prefix = PrefixOf(persistenceId);
        var found = new List<(long, StreamId)>();
        await foreach (var head in store.ListStreamsAsync(StreamId.DefaultBucket, category, prefix, cancellationToken))
        {
            var sequenceNr = long.Parse(head.Stream.Id.AsSpan(prefix.Length), CultureInfo.InvariantCulture);
            if (sequenceNr >= criteria.MinSequenceNr && sequenceNr <= criteria.MaxSequenceNr) found.Add((sequenceNr, head.Stream));
        }

        return found;
    }

    private StreamId StreamOf(SnapshotMetadata metadata) => new(
        category, string.Create(CultureInfo.InvariantCulture, $"{PrefixOf(metadata.PersistenceId)}{metadata.SequenceNr:D19}"));
}
