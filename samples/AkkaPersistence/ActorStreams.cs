using System.Globalization;
using System.Text;
using Akka.Actor;
using Akka.Configuration;
using Akka.Persistence;
using Akka.Persistence.Journal;
using EventStore;

namespace AkkaPersistence;

/// <summary>
/// The streams of persistent actors: one for each persistence id, one event for each persisted one. Sequence numbers are revisions, unless
/// a write was rejected and a later one was not: Akka's numbers then have a hole, revisions have none. So each event carries its number.
/// </summary>
/// <param name="system">The actor system, whose serializers are used.</param>
/// <param name="plugin">The plugin's part of the configuration.</param>
internal sealed class ActorStreams(ExtendedActorSystem system, Config plugin)
{
    private const string SequenceNrHeader = "akka-sequence-nr";
    private const string WriterHeader = "akka-writer";
    private const string AdapterHeader = "akka-adapter-manifest";

    private readonly PayloadCodec codec = new(system, plugin);
    private readonly string category = plugin.GetString("category");

    /// <summary>The stream of a persistent actor.</summary>
    public StreamId StreamOf(string persistenceId) => new(category, persistenceId);

    /// <summary>The events of a write. Tags of <see cref="Tagged"/> become tags of the store.</summary>
    /// <exception cref="Exception">A payload cannot be serialized, or a tag cannot be stored.</exception>
    public List<EventMessage> Encode(AtomicWrite write) => [.. ((IEnumerable<IPersistentRepresentation>)write.Payload).Select(Encode)];

    /// <summary>The persisted message of an event.</summary>
    public Persistent Decode(CommittedEvent committed) => new(
        codec.Decode(committed),
        SequenceNrOf(committed),
        committed.Stream.Id,
        committed.Headers.GetValueOrDefault(AdapterHeader),
        writerGuid: committed.Headers.GetValueOrDefault(WriterHeader),
        timestamp: committed.Stamp.UtcTicks);

    /// <summary>The sequence number of an event.</summary>
    public static long SequenceNrOf(CommittedEvent committed) =>
        long.Parse(committed.Headers[SequenceNrHeader], CultureInfo.InvariantCulture);

    /// <summary>Reads events from a revision on, at most up to another.</summary>
    public static IAsyncEnumerable<CommittedEvent> ReadAsync(IEventStore store, StreamId stream, long from, long to) =>
        store.ReadStreamAsync(stream, new StreamRange { From = new(Math.Max(from, 1)), To = new(to) }, EventDecoding.OnDemand);

    /// <summary>Finds the end of a stream, whatever was truncated.</summary>
    public static async Task<StreamEnd> FindEndAsync(IEventStore store, StreamId stream)
    {
        if (await store.FindHeadAsync(stream) is not { } head) return default;
        var revision = head.Revision.Value;
        await foreach (var last in ReadAsync(store, stream, revision, revision)) return new(revision, SequenceNrOf(last));
        var kept = (await store.Snapshots.FindAsync(stream))?.State as UnknownEvent;
        return new(revision, kept is null ? revision : long.Parse(kept.Payload.Span, CultureInfo.InvariantCulture));
    }

    /// <summary>
    /// Truncates a stream behind a sequence number. Where its last event goes, a snapshot keeps a number that differs from the revision.
    /// </summary>
    public static async Task TruncateAsync(IEventStore store, StreamId stream, long toSequenceNr)
    {
        var end = await FindEndAsync(store, stream);
        var first = end.Revision + 1;
        if (toSequenceNr >= end.SequenceNr)
        {
            if (end.Gap > 0) await store.Snapshots.SaveAsync(new Snapshot(stream, new(end.Revision), Number(end.SequenceNr)));
        }
        else
        {
            await foreach (var kept in ReadAsync(store, stream, toSequenceNr + 1 - end.Gap, end.Revision))
            {
                first = kept.Revision.Value;
                if (SequenceNrOf(kept) > toSequenceNr) break;
            }
        }

        await store.TruncateStreamAsync(stream, new(first));
    }

    private static UnknownEvent Number(long sequenceNr) =>
        new(SequenceNrHeader, Encoding.ASCII.GetBytes(sequenceNr.ToString(CultureInfo.InvariantCulture)));

    private EventMessage Encode(IPersistentRepresentation message)
    {
        var headers = new Dictionary<string, string>
        {
            [SequenceNrHeader] = message.SequenceNr.ToString(CultureInfo.InvariantCulture),
            [WriterHeader] = message.WriterGuid,
        };
        if (message.Manifest.Length > 0) headers[AdapterHeader] = message.Manifest;
        return message.Payload is Tagged tagged
            ? codec.Encode(tagged.Payload, headers, tagged.Tags)
            : codec.Encode(message.Payload, headers);
    }
}

/// <summary>The end of the stream of a persistent actor; the default for no stream.</summary>
/// <param name="Revision">Its revision.</param>
/// <param name="SequenceNr">The sequence number of its last event, truncated or not.</param>
internal readonly record struct StreamEnd(long Revision, long SequenceNr)
{
    /// <summary>How many sequence numbers have no event, as their writes were rejected.</summary>
    public long Gap => SequenceNr - Revision;
}
