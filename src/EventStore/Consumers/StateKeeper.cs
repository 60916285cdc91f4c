using EventStore.Diagnostics;
using EventStore.Leases;

namespace EventStore.Consumers;

/// <summary>A state as the consumer's document has it: inside, or by the slot and version of a document of its own.</summary>
internal readonly record struct StoredState(string? Type, byte[]? Content, int Slot, long Document, long Bytes);

/// <summary>Encodes the state of one term when it changed, and stores a large one before the position that belongs to it.</summary>
internal sealed class StateKeeper(IConsumerState kind, Lease<ConsumerRecord> lease, StateDocuments documents, ConsumerReport report)
{
    /// <summary>Up to this size a state is written inside the consumer's document.</summary>
    private const int MaxInside = 16 << 10;
    private const int LimitToWarning = 4;

    // Touched by one write at a time.
    private object? encoded;
    private long encodedAt;
    private StoredState current;
    private bool isUnsettled;
    private long warnedAt;
    private long bytes;

    /// <summary>The bytes of the state as it was last stored.</summary>
    public long Bytes => Volatile.Read(ref bytes);

    /// <summary>The bytes that are written beside the consumer's document for each change.</summary>
    public long BytesBeside => current.Slot > 0 ? Bytes : 0;

    /// <summary>Reads the stored state; the initial one where there is none. Called under the lease, before anything is written.</summary>
    public async ValueTask<object?> OpenAsync(ConsumerRecord record, CancellationToken cancellationToken)
    {
        if (kind.Initial is null) return null;
        var beside = await documents.OpenAsync(record.StateSlot, record.StateDocument, cancellationToken).ConfigureAwait(false);
        Volatile.Write(ref bytes, record.StateBytes);
        current = new(record.StateType, record.State, record.StateSlot, record.StateDocument, record.StateBytes);
        if (record.StateType is not { } type) return kind.Initial;
        (encoded, encodedAt) = (kind.Decode(type, record.StateSlot > 0 ? beside : record.State, record), record.Checkpoint);
        return encoded;
    }

    /// <summary>Encodes the state, and stores a large one. Nothing points to it yet.</summary>
    /// <param name="state">The state; null for none.</param>
    /// <param name="checkpoint">The position that will be written with it.</param>
    /// <param name="cancellationToken">Ends the write.</param>
    /// <returns>False if another process took over.</returns>
    /// <exception cref="TooLargeException">It is larger than the storage allows for one document.</exception>
    public async ValueTask<bool> TryStoreAsync(object? state, long checkpoint, CancellationToken cancellationToken)
    {
        if (state is null || (ReferenceEquals(state, encoded) && checkpoint == encodedAt)) return true;
        var (type, content) = kind.Encode(state, checkpoint);
        CheckSize(content.Length);
        if (content.Length <= MaxInside)
        {
            current = new(type, content, 0, 0, content.Length);
        }
        else
        {
            // A write of the consumer's document whose outcome is unknown may arrive later. This one makes it come too late, and shows
            // which slot is in use.
            if (isUnsettled && !await lease.TryRenewAsync(cancellationToken).ConfigureAwait(false)) return false;
            isUnsettled = true;
            var slotInUse = lease.Ledger.Known.StateSlot;
            (int Slot, long Version)? written;
            while ((written = await documents.TryWriteAsync(slotInUse, content, cancellationToken).ConfigureAwait(false)) is null)
            {
                if (!await lease.TryRenewAsync(cancellationToken).ConfigureAwait(false)) return false;
            }

            current = new(type, null, written.Value.Slot, written.Value.Version, content.Length);
        }

        (encoded, encodedAt) = (state, checkpoint);
        return true;
    }

    /// <summary>The document that is about to be written, with the state that was last stored.</summary>
    public ConsumerRecord AddTo(ConsumerRecord record) => current.Type is null ? record : record with
    {
        State = current.Content,
        StateType = current.Type,
        StateSlot = current.Slot,
        StateDocument = current.Document,
        StateBytes = current.Bytes,
    };

    /// <summary>Records that the document is written.</summary>
    public void Confirm()
    {
        isUnsettled = false;
        Volatile.Write(ref bytes, current.Bytes);
    }

    private void CheckSize(long size)
    {
        if (size > documents.MaxBytes)
            throw new TooLargeException($"state of the consumer '{Names.Printable(report.Name)}'", size, documents.MaxBytes, "bytes");
        if (size < documents.MaxBytes / LimitToWarning || size < warnedAt + (warnedAt / LimitToWarning)) return;
        warnedAt = size;
        report.LogLargeState(size, documents.MaxBytes);
    }
}
