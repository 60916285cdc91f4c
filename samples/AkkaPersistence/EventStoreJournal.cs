using System.Collections.Concurrent;
using System.Collections.Immutable;
using Akka.Actor;
using Akka.Configuration;
using Akka.Persistence;
using Akka.Persistence.Journal;
using EventStore;

namespace AkkaPersistence;

/// <summary>
/// A journal of Akka.NET in an event store. The atomic writes of a batch are a commit, which expects the revision before it, so that of two
/// actors with one persistence id only one can write.
/// </summary>
public sealed class EventStoreJournal : AsyncWriteJournal
{
    private readonly Config plugin;
    private readonly EventStores stores;
    private readonly ActorStreams streams;

    // By persistence id: writes under way, and how many sequence numbers have no event (absent for none).
    private readonly ConcurrentDictionary<string, Task> writes = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, long> gaps = new(StringComparer.Ordinal);

    /// <summary>Created by Akka.</summary>
    /// <param name="plugin">The plugin's part of the configuration.</param>
    public EventStoreJournal(Config plugin)
    {
        this.plugin = plugin;
        stores = EventStores.Of(Context.System);
        streams = new((ExtendedActorSystem)Context.System, plugin);
    }

    /// <inheritdoc/>
    public override async Task<long> ReadHighestSequenceNrAsync(
        string persistenceId, long fromSequenceNr, CancellationToken cancellationToken)
    {
        // A restarted actor would use the numbers of its outstanding writes again.
        if (writes.TryGetValue(persistenceId, out var writing)) await writing.WaitAsync(cancellationToken);
        var end = await ActorStreams.FindEndAsync(await stores.OpenAsync(plugin), streams.StreamOf(persistenceId));

        // Without events, an actor goes on after the snapshot from which it recovers.
        SetGap(persistenceId, end.Revision == 0 ? fromSequenceNr : end.Gap);
        return end.SequenceNr;
    }

    /// <inheritdoc/>
    public override async Task ReplayMessagesAsync(
        IActorContext context,
        string persistenceId,
        long fromSequenceNr,
        long toSequenceNr,
        long max,
        Action<IPersistentRepresentation> recoveryCallback)
    {
        if (max <= 0) return;
        var (store, stream) = (await stores.OpenAsync(plugin), streams.StreamOf(persistenceId));
        await foreach (var committed in ActorStreams.ReadAsync(store, stream, fromSequenceNr - GapOf(persistenceId), toSequenceNr))
        {
            var sequenceNr = ActorStreams.SequenceNrOf(committed);
            if (sequenceNr < fromSequenceNr) continue;
            if (sequenceNr > toSequenceNr) return;
            recoveryCallback(streams.Decode(committed));
            if (--max == 0) return;
        }
    }

    /// <inheritdoc/>
    protected override async Task<IImmutableList<Exception?>> WriteMessagesAsync(
        IEnumerable<AtomicWrite> messages, CancellationToken cancellationToken)
    {
        var batch = messages.ToList();
        var ids = batch.Select(write => write.PersistenceId).Distinct(StringComparer.Ordinal).ToList();
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        foreach (var id in ids) writes[id] = done.Task;
        try
        {
            return await CommitAsync(await stores.OpenAsync(plugin), batch);
        }
        finally
        {
            foreach (var id in ids) writes.TryRemove(new(id, done.Task));
            done.SetResult();
        }
    }

    /// <inheritdoc/>
    protected override async Task DeleteMessagesToAsync(string persistenceId, long toSequenceNr, CancellationToken cancellationToken) =>
        await ActorStreams.TruncateAsync(await stores.OpenAsync(plugin), streams.StreamOf(persistenceId), toSequenceNr);

    // A batch is of one actor; tests of a journal may mix several.
    private async Task<IImmutableList<Exception?>> CommitAsync(IEventStore store, List<AtomicWrite> batch)
    {
        var rejections = new Exception?[batch.Count];
        foreach (var ofActor in batch.Index().GroupBy(write => write.Item.PersistenceId, StringComparer.Ordinal))
        {
            var known = ofActor.First().Item.LowestSequenceNr - 1 - GapOf(ofActor.Key);
            var actor = new ActorBatch(store, streams.StreamOf(ofActor.Key), known);
            await actor.CommitAsync(Encode(ofActor, rejections), rejections);
            SetGap(ofActor.Key, ofActor.Last().Item.HighestSequenceNr - actor.Revision);
        }

        return [.. rejections];
    }

    // What cannot be encoded is rejected. Whatever else fails is a failure of the batch.
    private (int Place, List<EventMessage> Events)[] Encode(IEnumerable<(int Place, AtomicWrite Write)> ofActor, Exception?[] rejections)
    {
        List<(int, List<EventMessage>)> encoded = [];
        foreach (var (place, write) in ofActor)
        {
            try
            {
                encoded.Add((place, streams.Encode(write)));
            }
            catch (Exception unserializable)
            {
                rejections[place] = unserializable;
            }
        }

        return [.. encoded];
    }

    private long GapOf(string persistenceId) => gaps.GetValueOrDefault(persistenceId);

    private void SetGap(string persistenceId, long gap)
    {
        if (gap == 0) gaps.TryRemove(persistenceId, out _);
        else gaps[persistenceId] = gap;
    }
}
