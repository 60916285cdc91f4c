namespace EventStore.FileSystem.Maintenance;

/// <summary>
/// Runs maintenance on the files of an open store, concurrently with its readers and its writer, one at a time. Closing the store cancels
/// it.
/// </summary>
internal sealed class MaintenanceWork(string root) : IAsyncDisposable
{
    private readonly SemaphoreSlim turn = new(1);
    private readonly CancellationTokenSource closing = new();

    public async Task<T> RunAsync<T>(Func<CancellationToken, ValueTask<T>> work, CancellationToken cancellationToken)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, closing.Token);
        try
        {
            await turn.WaitAsync(ending.Token).ConfigureAwait(false);
            try
            {
                return await Task.Run(() => work(ending.Token).AsTask(), ending.Token).ConfigureAwait(false);
            }
            finally
            {
                turn.Release();
            }
        }
        catch (OperationCanceledException) when (closing.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new ObjectDisposedException(
                typeof(IPersistenceEngine).FullName,
                "The store was closed during maintenance. What was done stays done; start again once the store is open.");
        }
        catch (IOException error)
        {
            throw new StorageUnavailableException(
                $"Maintenance of the store at '{root}' failed: {error.Message} Nothing stored is lost. Try again once the cause is gone.",
                error);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await closing.CancelAsync().ConfigureAwait(false);
        await turn.WaitAsync().ConfigureAwait(false);
    }
}
