using System.Diagnostics.CodeAnalysis;

namespace EventStore.Dispatch;

/// <summary>Keeps the progress document: reads it, and changes it by compare-and-swap until the change holds.</summary>
[SuppressMessage("Design", "CA1001", Justification = "Disposing a semaphore would leave those who wait for their turn waiting for ever; it holds nothing else.")]
internal sealed class DispatchLedger(IPersistenceEngine engine)
{
    public const string DocumentName = "dispatch";

    // One change at a time within this process; other processes are met by compare-and-swap.
    private readonly SemaphoreSlim turn = new(1, 1);
    private DispatchProgress progress = new();
    private long version;

    /// <summary>The progress as last read or written here.</summary>
    public DispatchProgress Known => Volatile.Read(ref progress);

    public async ValueTask<DispatchProgress> LoadAsync(CancellationToken cancellationToken)
    {
        await turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await ReloadAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            turn.Release();
        }
    }

    /// <summary>Changes the progress. The change is applied to a copy, again on each newer state, until one is written or it answers false.</summary>
    /// <returns>Whether it was written.</returns>
    public async ValueTask<bool> ChangeAsync(Func<DispatchProgress, bool> change, CancellationToken cancellationToken)
    {
        await turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (version == 0) await ReloadAsync(cancellationToken).ConfigureAwait(false);
            while (true)
            {
                var next = DispatchProgress.Read(progress.Write());
                if (!change(next)) return false;
                if (await engine.PutDocumentAsync(DocumentName, next.Write(), version, cancellationToken).ConfigureAwait(false) is { } written)
                {
                    Volatile.Write(ref progress, next);
                    version = written;
                    return true;
                }

                await ReloadAsync(cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            turn.Release();
        }
    }

    private async ValueTask<DispatchProgress> ReloadAsync(CancellationToken cancellationToken)
    {
        var document = await engine.FindDocumentAsync(DocumentName, cancellationToken).ConfigureAwait(false);
        version = document?.Version ?? 0;
        var loaded = document is null ? new DispatchProgress() : DispatchProgress.Read(document.Content);
        Volatile.Write(ref progress, loaded);
        return loaded;
    }
}
