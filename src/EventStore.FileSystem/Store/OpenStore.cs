using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Index;
using EventStore.FileSystem.Log;
using EventStore.FileSystem.Segments;

namespace EventStore.FileSystem.Store;

/// <summary>
/// A store that is open: its log, its index and the gate of the one writer. Readers see what is published and never wait for the disk of the writer.
/// </summary>
internal sealed class OpenStore : IAsyncDisposable
{
    public const string LockFileName = "writer.lock";
    private readonly IDisk disk;
    private readonly IDisposable writerLock;
    private readonly StoreSettings settings;
    private readonly SealedPacking? packing;

    // Held by whoever writes, through the flush.
    private readonly Lock writerGate = new();
    private readonly LiveWriter live;
    private volatile bool isClosed;

    internal OpenStore(IDisk disk, IDisposable writerLock, StoreSettings settings, LogSegments segments, SegmentedLog log, StoreIndex index)
    {
        (this.disk, this.writerLock, this.settings, Log) = (disk, writerLock, settings, log);
        View = new StoreView(segments, index, log.End);
        live = new LiveWriter(segments, settings.Log, log.Epoch, () => (View.End.Position, log.DurableEnd));
        Packer = new SegmentPacker(segments, settings.Packing, log.Fail);
        packing = settings.Packing.Compresses ? new SealedPacking(segments, Packer, settings) : null;
        packing?.Resume();
    }

    /// <summary>What is read of it.</summary>
    public StoreView View { get; }

    public LogSegments Segments => View.Segments;

    public StoreIndex Index => View.Index;

    /// <summary>Up to where everything may be read.</summary>
    public LogPoint End => View.End;

    /// <summary>The writing end. Only to be used by whoever writes.</summary>
    public SegmentedLog Log { get; }

    public SegmentPacker Packer { get; }

    /// <summary>Why nothing is written any more; null while all is well.</summary>
    public Exception? Fault => Log.Fault;

    /// <summary>Writes as the only writer: decides and gathers frames, then writes them, and only then has them indexed and published.</summary>
    public TAnswer Write<TAsked, TAnswer>(IWriting<TAsked, TAnswer> writing, TAsked asked)
    {
        lock (writerGate)
        {
            RefuseIfClosed();
            if (Index.Keeper.Damage is not null) Mend();
            TAnswer answer;
            try
            {
                Log.Begin();
                answer = writing.Gather(asked);
            }
            catch (IOException)
            {
                answer = GatherAgain(writing, asked);
            }

            if (Log.Body.Length == 0) return answer;
            Log.Write(writing.StampTicks);
            View.Reach(Log.WrittenEnd);
            writing.Index();
            Publish();
            if (Index.Keeper.IsFreezeDue(Log.End.Position)) Index.Keeper.Freeze(Log.End);
            Index.Keeper.HoldBack(Log.End.Position);
            packing?.Notice();
            return answer;
        }
    }

    /// <summary>Writes what is written seldom.</summary>
    /// <param name="gather">Decides, adds frames to the log's batch, and answers what is to be done once they are written.</param>
    public T Write<T>(Func<(T Answer, Action? WhenWritten)> gather)
    {
        var writing = new SeldomWriting<T>();
        return Write(writing, gather);
    }

    /// <summary>Reads, and should a part of the index turn out damaged, has it built anew from the log and reads again.</summary>
    public T Read<T>(Func<T> read)
    {
        RefuseIfClosed();
        try
        {
            try
            {
                return read();
            }
            catch (IndexDamageException)
            {
                Rebuild();
            }

            return read();
        }
        catch (IndexDamageException error)
        {
            throw new CorruptStorageException($"{disk.Root}/{error.Path}", error.Message, "The index was built anew and is damaged again: look after the disk.", error);
        }
        catch (IOException error)
        {
            throw new StorageUnavailableException($"Reading the store at '{disk.Root}' failed: {error.Message} Nothing was changed. Try again once the cause is gone.", error);
        }
    }

    /// <summary>Brings what is written to the medium.</summary>
    public void SyncNow() => Log.SyncNow();

    /// <summary>Seals the segment that is written to, unless there is nothing in it, so that it can be packed.</summary>
    public void SealActive()
    {
        lock (writerGate)
        {
            RefuseIfClosed();
            if (Log.End.Position == Segments.All[^1].FirstFrame) return;
            Log.BeginSegment();
            Publish();
        }
    }

    /// <summary>When this returns, whatever is indexed is published and told to other processes, and so are replaced files, which they hold on to until then.</summary>
    public void Tell()
    {
        lock (writerGate) live.Tell();
    }

    /// <summary>Builds the index anew from the log.</summary>
    public void Rebuild()
    {
        lock (writerGate)
        {
            RefuseIfClosed();
            Index.Keeper.SettleAsync().AsTask().GetAwaiter().GetResult();
            var keeper = new RunKeeper(disk, Segments.StoreId, settings.Index, LogPoint.Origin, 0);
            var rebuilt = new StoreIndex(keeper);
            var scanner = new LogScanner(Segments, LogPoint.Origin.Position, LogPoint.Origin.Chain);
            var logEnd = Log.End;
            while (scanner.TryNext(out var frame, logEnd.Position)) rebuilt.ApplyAndFreeze(frame, View.Names);
            if (scanner.Position < logEnd.Position && Segments.Of(scanner.Position).FirstFrame != logEnd.Position)
                throw Segments.Damaged(scanner.Position, "a stored frame is not whole.");
            if (keeper.Damage is { } damage) throw damage;
            if (keeper.Fault is { } fault) throw new StorageException($"The index of the store at '{disk.Root}' could not be built anew: {fault.Message}", fault);
            Index.Keeper.Adopt(keeper);
            Index.Keeper.WriteCheckpoint();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (isClosed) return;
        lock (writerGate)
        {
            if (isClosed) return;
            isClosed = true;
        }

        try
        {
            if (packing is not null) await packing.DisposeAsync().ConfigureAwait(false);
            await CloseAsync().ConfigureAwait(false);
        }
        finally
        {
            await Index.Keeper.DisposeAsync().ConfigureAwait(false);
            live.Dispose();
            await Log.DisposeAsync().ConfigureAwait(false);
            Segments.Dispose();
            writerLock.Dispose();
        }
    }

    // A clean close leaves the log durable, without space taken ahead, and a checkpoint that says so.
    private async ValueTask CloseAsync()
    {
        await Index.Keeper.SettleAsync().ConfigureAwait(false);
        if (Log.Fault is not null) return;
        try
        {
            Log.SyncNow();
            Log.Trim();
            if (Index.State.Active.Count >= settings.CloseEntries && Index.Keeper.Fault is null) Index.Keeper.Freeze(Log.End);
            await Index.Keeper.SettleAsync().ConfigureAwait(false);
            Index.Keeper.WriteCheckpoint();
        }
        catch (BatchOutcomeUnknownException error)
        {
            throw new StorageException($"Closing the store at '{disk.Root}' failed: {error.Message} What was acknowledged as durable is; open the store again to settle the rest.", error);
        }
        catch (IOException error)
        {
            throw new StorageException($"The last checkpoint of the store at '{disk.Root}' could not be written: {error.Message} Nothing is lost; the next opening reads more of the log.", error);
        }
    }

    // A merge met damage, which a reader may never meet.
    private void Mend() => Read(() => Index.Keeper.Damage is { } damage ? throw damage : true);

    private void Publish()
    {
        View.Publish(Log.End);
        live.Notice();
    }

    private void RefuseIfClosed() => ObjectDisposedException.ThrowIf(isClosed, typeof(IPersistenceEngine));

    // What was found damaged while deciding is built anew, or told as what it is.
    private TAnswer GatherAgain<TAsked, TAnswer>(IWriting<TAsked, TAnswer> writing, TAsked asked) => Read(() =>
    {
        Log.Begin();
        return writing.Gather(asked);
    });

    private sealed class SeldomWriting<T> : IWriting<Func<(T Answer, Action? WhenWritten)>, T>
    {
        private Action? whenWritten;

        public long StampTicks => 0;

        public T Gather(Func<(T Answer, Action? WhenWritten)> asked)
        {
            (var answer, whenWritten) = asked();
            return answer;
        }

        public void Index() => whenWritten?.Invoke();
    }
}
