using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Index;
using EventStore.FileSystem.Log;
using EventStore.FileSystem.Segments;

namespace EventStore.FileSystem.Store;

/// <summary>
/// A store that is open for writing: its view for readers, its one writer, and how it is closed. Readers never wait for the disk of the
/// writer.
/// </summary>
internal sealed class OpenStore : IAsyncDisposable
{
    public const string LockFileName = "writer.lock";
    private readonly IDisposable writerLock;
    private readonly StoreSettings settings;
    private readonly SegmentedLog log;
    private readonly SealedPacking? packing;
    private readonly LiveWriter live;
    private readonly IntervalFlush? flush;

    public OpenStore(IDisposable writerLock, StoreSettings settings, SegmentedLog log, IndexUpkeep upkeep)
    {
        (this.writerLock, this.settings, this.log, Upkeep) = (writerLock, settings, log, upkeep);
        View = new StoreView(log.Segments, upkeep.Index, log.End);
        live = new LiveWriter(View, log, settings.Log);
        Packer = new SegmentPacker(log.Segments, settings.Packing, log.Fault);
        packing = settings.Packing.Compresses ? new SealedPacking(log.Segments, Packer, settings) : null;
        packing?.Resume();
        Writer = new StoreWriter(log, upkeep, live, packing);
        if (settings.Log.FlushInterval is { } interval) flush = new IntervalFlush(log, interval, settings.Log.Time);
    }

    /// <summary>The view for readers.</summary>
    public StoreView View { get; }

    public StoreWriter Writer { get; }

    public SegmentPacker Packer { get; }

    public LogSegments Segments => View.Segments;

    public StoreIndex Index => View.Index;

    /// <summary>What keeps the index on disk.</summary>
    public IndexUpkeep Upkeep { get; }

    /// <summary>Up to where everything may be read.</summary>
    public LogPoint End => View.End;

    /// <summary>Why nothing is written any more; null while writes succeed.</summary>
    public Exception? Fault => log.Fault.Why;

    private string Root => Segments.Disk.Root;

    /// <summary>Reads. If a part of the index turns out to be damaged, rebuilds the index from the log and reads again.</summary>
    /// <exception cref="StorageUnavailableException">The disk failed.</exception>
    /// <exception cref="CorruptStorageException">Something is damaged that cannot be rebuilt.</exception>
    public ValueTask<T> ReadAsync<T>(Func<StoreView, T> read)
    {
        Writer.RefuseIfClosed();
        try
        {
            return new(read(View));
        }
        catch (IndexDamageException)
        {
            return ReadRebuiltAsync(read);
        }
        catch (IOException error)
        {
            throw ReadingFailed(error);
        }
    }

    /// <summary>Works on the files; if the index turns out to be damaged, it is rebuilt, and the work begins again.</summary>
    /// <exception cref="CorruptStorageException">Something is damaged that cannot be rebuilt.</exception>
    public async ValueTask<T> WorkAsync<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (IndexDamageException)
        {
            // It is rebuilt below.
        }

        try
        {
            await RebuildIndexAsync().ConfigureAwait(false);
            return work();
        }
        catch (IndexDamageException error)
        {
            throw DamagedAgain(error);
        }
    }

    /// <summary>Builds the index from the log again.</summary>
    public ValueTask RebuildIndexAsync() => Writer.RebuildIndexAsync(settings.Index);

    /// <summary>Brings what is written to the medium.</summary>
    /// <exception cref="StorageException">Flushing failed, now or earlier.</exception>
    public void SyncNow()
    {
        log.SyncNow();
        log.RefuseIfFaulted();
        PlaceCheck.RequireStore(log);
    }

    /// <summary>The exception for an index that is damaged although it was rebuilt.</summary>
    public CorruptStorageException DamagedAgain(IndexDamageException error) => new(
        $"{Root}/{error.Path}", error.Message, "The index was rebuilt and is damaged again: check the disk.", error);

    /// <summary>The exception for a disk that failed while something was read.</summary>
    public StorageUnavailableException ReadingFailed(IOException error) => new(
        $"Reading the store at '{Root}' failed: {error.Message} Nothing was changed. Try again once the cause is gone.", error);

    public async ValueTask DisposeAsync()
    {
        if (!Writer.TryClose()) return;
        if (flush is not null) await flush.DisposeAsync().ConfigureAwait(false);
        try
        {
            if (packing is not null) await packing.DisposeAsync().ConfigureAwait(false);
            await CloseAsync().ConfigureAwait(false);
        }
        finally
        {
            await Upkeep.DisposeAsync().ConfigureAwait(false);
            live.Dispose();
            await log.DisposeAsync().ConfigureAwait(false);
            Segments.Dispose();
            Segments.Identity?.Dispose();
            writerLock.Dispose();
        }
    }

    private async ValueTask<T> ReadRebuiltAsync<T>(Func<StoreView, T> read)
    {
        try
        {
            await RebuildIndexAsync().ConfigureAwait(false);
            return read(View);
        }
        catch (IndexDamageException error)
        {
            throw DamagedAgain(error);
        }
        catch (IOException error)
        {
            throw ReadingFailed(error);
        }
    }

    // A clean close leaves the log durable and without space allocated ahead, and a checkpoint that says so. Without the checkpoint, for
    // which a disk may be too full, nothing is missing: the next opening reads more of the log.
    private async ValueTask CloseAsync()
    {
        await Upkeep.SettleAsync().ConfigureAwait(false);
        if (Fault is not null) return;
        log.RequireInPlace(); // otherwise the checkpoint would go into the files of another store
        try
        {
            log.SyncNow();
            log.Trim();
            if (Index.State.Active.Count >= settings.CloseEntries && Upkeep.Fault is null) Upkeep.Freeze(log.End);
            await Upkeep.SettleAsync().ConfigureAwait(false);
            Upkeep.WriteCheckpoint();
        }
        catch (StorageException error) when (settings.Log.SyncsEachBatch && error is not StorageReplacedException)
        {
            settings.ClosingIncomplete(error);
        }
        catch (BatchOutcomeUnknownException error)
        {
            throw new StorageException(
                $"Closing the store at '{Root}' failed: {error.Message} "
                + "Everything acknowledged as durable is stored; open the store again to settle the rest.",
                error);
        }
        catch (IOException error)
        {
            settings.ClosingIncomplete(error);
        }
    }
}
