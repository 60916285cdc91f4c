using System.Diagnostics.CodeAnalysis;
using EventStore.Leases;

namespace EventStore.Deliveries;

/// <summary>A progress that is written into a document from time to time.</summary>
internal interface IWrittenProgress<TDocument>
{
    /// <summary>Whether so many deliveries are done that it must be written.</summary>
    bool IsWriteDue(int deliveries);

    /// <summary>What is not written yet, at this moment.</summary>
    IUnwritten<TDocument> Take();
}

/// <summary>What of a progress is not written yet.</summary>
internal interface IUnwritten<TDocument>
{
    /// <summary>Stores what the document will refer to. Returns false if another process took over.</summary>
    ValueTask<bool> TryPrepareAsync(CancellationToken cancellationToken) => new(true);

    /// <summary>The document with it. Called again on a newer document where another write came first.</summary>
    TDocument AddTo(TDocument document);

    /// <summary>Records in the progress that it is written.</summary>
    void Confirm();
}

/// <summary>Writes progress as the holder of a lease, one write at a time.</summary>
/// <param name="lease">The lease of the document.</param>
/// <param name="progress">What is written.</param>
/// <param name="deliveriesPerWrite">After so many deliveries it is written, at the latest.</param>
/// <param name="written">Called with the document after each write, in order.</param>
[SuppressMessage("Design", "CA1001", Justification = "A disposed semaphore would never end its waits; it holds nothing else.")]
internal sealed class ProgressWriter<TDocument>(
    Lease<TDocument> lease, IWrittenProgress<TDocument> progress, int deliveriesPerWrite, Action<TDocument>? written = null)
    where TDocument : class, ILeased<TDocument>
{
    private const long FreeBytes = 64 << 10;
    private readonly SemaphoreSlim turn = new(1, 1);

    // A large document, as one with many parked events, is written less often.
    public bool IsDue => progress.IsWriteDue(
        (int)Math.Min(int.MaxValue, deliveriesPerWrite * Math.Max(1, lease.Ledger.WrittenBytes / FreeBytes)));

    /// <summary>Writes what is done. Returns false, and writes nothing, if another process took over.</summary>
    public async ValueTask<bool> TryWriteAsync(CancellationToken cancellationToken)
    {
        await turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var taken = progress.Take();
            if (!await taken.TryPrepareAsync(cancellationToken).ConfigureAwait(false)) return false;
            if (await lease.TryWriteAsync(taken.AddTo, cancellationToken).ConfigureAwait(false) is not { } document) return false;
            taken.Confirm();
            written?.Invoke(document);
            return true;
        }
        finally
        {
            turn.Release();
        }
    }

    /// <summary>Writes what is done.</summary>
    /// <exception cref="OperationCanceledException">Another process took over.</exception>
    public async ValueTask WriteAsync(CancellationToken cancellationToken)
    {
        if (!await TryWriteAsync(cancellationToken).ConfigureAwait(false))
            throw new OperationCanceledException("Another process took over.");
    }

    /// <summary>Reads the stored document while no write is running, so that it fits what is not written yet.</summary>
    public async ValueTask<TResult> ReadAsync<TResult>(Func<TDocument, TResult> read, CancellationToken cancellationToken)
    {
        await turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return read(await lease.Ledger.LoadAsync(cancellationToken).ConfigureAwait(false));
        }
        finally
        {
            turn.Release();
        }
    }
}
