namespace EventStore.FileSystem.Maintenance;

/// <summary>Runs work on the files of an open store beside its readers and its writer, one at a time, and ends it when the store is closed.</summary>
internal sealed class MaintenanceWork(string root) : IAsyncDisposable
{
    private readonly SemaphoreSlim turn = new(1);
    private readonly CancellationTokenSource closing = new();

    public async Task<T> RunAsync<T>(Func<CancellationToken, T> work, CancellationToken cancellationToken)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, closing.Token);
        try
        {
            await turn.WaitAsync(ending.Token).ConfigureAwait(false);
            try
            {
                return await Task.Run(() => work(ending.Token), ending.Token).ConfigureAwait(false);
            }
            finally
            {
                turn.Release();
            }
        }
        catch (OperationCanceledException) when (closing.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new ObjectDisposedException(typeof(IPersistenceEngine).FullName, "The store was closed while its files were worked on. What was done stays done; begin again once it is open.");
        }
        catch (IOException error)
        {
            throw new StorageUnavailableException($"Working on the files of the store at '{root}' failed: {error.Message} Nothing stored is lost. Try again once the cause is gone.", error);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await closing.CancelAsync().ConfigureAwait(false);
        await turn.WaitAsync().ConfigureAwait(false);
    }
}
