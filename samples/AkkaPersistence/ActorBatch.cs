using EventStore;

namespace AkkaPersistence;

/// <summary>
/// Stores a batch of one actor: as one commit, so that one flush serves all its writes, and nothing is stored after something that failed.
/// Where the store refuses that, halves are tried, until only the write is rejected for which it was refused.
/// </summary>
/// <param name="store">The store.</param>
/// <param name="stream">The stream of the actor.</param>
/// <param name="revision">The revision that the actor knows.</param>
internal sealed class ActorBatch(IEventStore store, StreamId stream, long revision)
{
    /// <summary>The revision after what was stored.</summary>
    public long Revision { get; private set; } = revision;

    /// <summary>Stores writes. Not cancelled: the outcome would be unknown.</summary>
    /// <param name="writes">The events of each write, with its place in the rejections.</param>
    /// <param name="rejections">Gets why a write was refused, in its place.</param>
    public async Task CommitAsync(ArraySegment<(int Place, List<EventMessage> Events)> writes, Exception?[] rejections)
    {
        if (writes.Count == 0) return;
        try
        {
            List<EventMessage> events = [.. writes.SelectMany(write => write.Events)];
            Revision = (await store.AppendAsync(stream, ExpectedRevision.Exactly(Revision), events)).LastRevision.Value;
        }
        catch (EventStoreException refused) when (refused is TooLargeException or CommitRefusedException)
        {
            if (writes.Count == 1)
            {
                rejections[writes[0].Place] = refused;
                return;
            }

            await CommitAsync(writes[..(writes.Count / 2)], rejections);
            await CommitAsync(writes[(writes.Count / 2)..], rejections);
        }
    }
}
