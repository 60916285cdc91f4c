using System.Diagnostics.CodeAnalysis;
using EventStore.Pipeline;

namespace EventStore.Leases;

/// <summary>The content of a ledger, of which one process at a time may be the owner. An immutable value.</summary>
/// <typeparam name="T">The type itself.</typeparam>
internal interface ILeased<T> where T : ILeased<T>
{
    /// <summary>The holder of the lease; null for none.</summary>
    string? Owner { get; }

    /// <summary>Grows with every write of a lease holder, which shows without a clock that the holder is alive.</summary>
    long Renewals { get; }

    /// <summary>The content before anything was written.</summary>
    static abstract T Empty { get; }

    static abstract T Read(string document, ReadOnlyMemory<byte> content);

    byte[] Write();

    /// <summary>The same content as its next write under a lease: with this owner, and one more renewal.</summary>
    T RenewedBy(string? owner);
}

/// <summary>Keeps one document: reads it, and changes it by compare-and-swap.</summary>
/// <param name="engine">Where it is kept.</param>
/// <param name="document">Its name.</param>
/// <param name="accept">Returns what was read as it is used, or throws; null to use it as it is.</param>
[SuppressMessage("Design", "CA1001", Justification = "A disposed semaphore would never end its waits; it holds nothing else.")]
internal sealed class Ledger<T>(IPersistenceEngine engine, string document, Func<T, T>? accept = null) where T : class, ILeased<T>
{
    // One change at a time within this process; compare-and-swap orders those of other processes.
    private readonly SemaphoreSlim turn = new(1, 1);
    private T current = T.Empty;
    private long version;
    private long writtenBytes;
    private TaskCompletionSource changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The content as last read or written here.</summary>
    public T Known => Volatile.Read(ref current);

    /// <summary>How many bytes the content had when it was last written here; 0 before.</summary>
    public long WrittenBytes => Volatile.Read(ref writtenBytes);

    /// <summary>Whether the storage lets one process write at a time. Then this is the one, and other writers are gone.</summary>
    public bool IsOnlyWriter => !engine.Description.Capabilities.HasFlag(EngineCapabilities.SharedWriting);

    /// <summary>Completes when this process next changes the content. Take it before the content is read.</summary>
    public Task NextChange => Volatile.Read(ref changed).Task;

    public async ValueTask<T> LoadAsync(CancellationToken cancellationToken)
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

    /// <summary>
    /// Makes the next content from the present one, and writes it. Repeats this on newer content until it is written, or the change returns
    /// null.
    /// </summary>
    /// <returns>The content that was written; null if the change returned null.</returns>
    public async ValueTask<T?> ChangeAsync(Func<T, T?> change, CancellationToken cancellationToken)
    {
        await turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (version == 0) await ReloadAsync(cancellationToken).ConfigureAwait(false);
            while (true)
            {
                if (change(current) is not { } next) return null;
                var content = next.Write();
                if (await engine.PutSettledAsync(document, content, version, cancellationToken).ConfigureAwait(false) is { } written)
                {
                    Volatile.Write(ref writtenBytes, content.Length);
                    Volatile.Write(ref current, next);
                    version = written;
                    Interlocked.Exchange(ref changed, new(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
                    return next;
                }

                await ReloadAsync(cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            turn.Release();
        }
    }

    private async ValueTask<T> ReloadAsync(CancellationToken cancellationToken)
    {
        var found = await engine.FindDocumentAsync(document, cancellationToken).ConfigureAwait(false);
        version = found?.Version ?? 0;
        var loaded = found is null ? T.Empty : T.Read(document, found.Content);
        if (accept is not null) loaded = accept(loaded);
        Volatile.Write(ref current, loaded);
        return loaded;
    }
}
