using System.Text;
using EventStore.Pipeline;

namespace EventStore.Consumers;

/// <summary>
/// Keeps a large state beside the document of its consumer. That one is read and written much more often, by renewals of the lease and by
/// processes that wait. Two documents take turns. The consumer's document names the one that holds, with its version, and so decides.
/// </summary>
/// <remarks>
/// A document holds the owner's lease, a NUL, and the state. A write is a compare-and-swap on a version that was read under the lease, or
/// that the same owner wrote. So a process whose lease was lost never overwrites the state of its successor. What it wrote before may
/// arrive later, where nothing points to it. The successor then reads that version, and renews its lease before it writes over it.
/// </remarks>
internal sealed class StateDocuments(IPersistenceEngine engine, string consumer, string owner)
{
    /// <summary>How many documents take turns.</summary>
    public const int Slots = 2;

    private readonly byte[] mark = [.. Encoding.ASCII.GetBytes(owner), 0];
    private readonly long[] versions = new long[Slots + 1];

    /// <summary>The longest state that can be written.</summary>
    public long MaxBytes => engine.Description.Limits.MaxDocumentBytes - mark.Length;

    /// <summary>Reads the versions on which writes are based, and the state in a slot. Called under the lease, before a write.</summary>
    /// <param name="slot">The slot that the consumer's document names; 0 for none.</param>
    /// <param name="version">The version that it names.</param>
    /// <param name="cancellationToken">Ends the read.</param>
    public async ValueTask<ReadOnlyMemory<byte>> OpenAsync(int slot, long version, CancellationToken cancellationToken)
    {
        ReadOnlyMemory<byte> state = default;
        for (var i = 1; i <= Slots; i++)
        {
            var found = await engine.FindDocumentAsync(NameOf(i), cancellationToken).ConfigureAwait(false);
            versions[i] = found?.Version ?? 0;
            if (i == slot && found is not null) state = found.Content[(found.Content.Span.IndexOf((byte)0) + 1)..];
        }

        if (slot > 0 && versions[slot] != version)
        {
            throw new CorruptStorageException(
                $"document '{NameOf(slot)}'",
                $"it has version {versions[slot]}, but the consumer '{consumer}' names version {version}.",
                "Delete the consumer and start it again: its state is computed from the events.");
        }

        return state;
    }

    /// <summary>Writes a state into the slot that the consumer's document does not name. It holds as soon as that names it.</summary>
    /// <returns>
    /// The slot and its version; null if another process wrote there. It has taken over, or its write arrived late: the lease shows which,
    /// and the next write is one over what was found.
    /// </returns>
    public async ValueTask<(int Slot, long Version)?> TryWriteAsync(
        int slotInUse, ReadOnlyMemory<byte> state, CancellationToken cancellationToken)
    {
        var slot = slotInUse == 1 ? 2 : 1;
        byte[] content = [.. mark, .. state.Span];
        while (true)
        {
            var written = await engine.PutSettledAsync(NameOf(slot), content, versions[slot], cancellationToken).ConfigureAwait(false);
            if (written is { } version)
            {
                versions[slot] = version;
                return (slot, version);
            }

            // It may be an own write whose outcome was not reported.
            var found = await engine.FindDocumentAsync(NameOf(slot), cancellationToken).ConfigureAwait(false);
            versions[slot] = found?.Version ?? 0;
            if (found is null || !found.Content.Span.StartsWith(mark)) return null;
        }
    }

    /// <summary>Finds what is stored, to delete it after the consumer's document. A later state of the same name is not deleted.</summary>
    public async ValueTask<IReadOnlyList<NamedDocument>> FindAllAsync(CancellationToken cancellationToken)
    {
        var all = new List<NamedDocument>();
        for (var i = 1; i <= Slots; i++)
        {
            if (await engine.FindDocumentAsync(NameOf(i), cancellationToken).ConfigureAwait(false) is { } found) all.Add(found);
        }

        return all;
    }

    private string NameOf(int slot) => $"consumer-states/{slot}/{consumer}";
}
