using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Index;
using EventStore.FileSystem.Recovery;
using EventStore.FileSystem.Segments;
using EventStore.FileSystem.Store;

namespace EventStore.FileSystem.Sharing;

/// <summary>
/// A store that another process writes, or nobody: read without a lock and without changing anything. Before each read it catches up with what the
/// writer told last, on the reader's own thread, so that what was acknowledged anywhere is seen here.
/// </summary>
internal sealed class FollowedStore : IDisposable
{
    private const int MaxTries = 20;
    private static readonly TimeSpan RenewalInterval = TimeSpan.FromSeconds(1);
    private readonly IDisk disk;
    private readonly IndexSettings settings;
    private readonly TimeProvider time;
    private readonly StoreIdentity identity;
    private readonly LiveReader live;

    // Held by whoever catches up.
    private readonly Lock gate = new();
    private FollowedLog log;
    private int nextTakingOfRuns;

    private volatile StoreView view;
    private long followed;
    private long renewed;
    private volatile bool isClosed;

    private FollowedStore(IDisk disk, IndexSettings settings, TimeProvider time)
    {
        if (!disk.Exists(StoreIdentityFile.FileName))
            throw new StorageNotFoundException($"There is no store at '{disk.Root}', and whoever only reads makes none. Check the directory and the store's name, or have it made by the process that writes.");
        (this.disk, this.settings, this.time, identity) = (disk, settings, time, StoreIdentityFile.Read(disk));
        renewed = time.GetTimestamp();
        live = new LiveReader(disk, Format.SeedOf(identity.Id));
        log = OpenLog(usesRuns: true);
        (view, followed) = (log.View, log.Mark?.Number ?? 0);
    }

    /// <exception cref="StorageNotFoundException">There is no store, or it is only being made.</exception>
    /// <exception cref="StorageException">What was found is damaged or unknown.</exception>
    public static FollowedStore Open(IDisk disk, IndexSettings settings, TimeProvider time) =>
        Told(disk, () => new FollowedStore(disk, settings, time));

    /// <summary>Takes in what the writer told last; answers up to where everything may be read.</summary>
    public LogPoint CatchUp() => Told(disk, () => Current().End);

    /// <summary>Reads what is there now. Should the index lead nowhere, it is behind what was compacted meanwhile, or damaged, and then made anew.</summary>
    public T Read<T>(Func<StoreView, T> read) => Told(disk, () =>
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return read(Current());
            }
            catch (IndexDamageException) when (attempt < 4)
            {
                if (attempt > 1) OpenAnew(usesRuns: attempt == 2);
            }
        }
    });

    public void Dispose()
    {
        lock (gate)
        {
            isClosed = true;
            log.Dispose();
            live.Dispose();
        }
    }

    private StoreView Current()
    {
        ObjectDisposedException.ThrowIf(isClosed, typeof(IPersistenceEngine));
        if (live.Read() is not { } mark || mark.Number == Volatile.Read(ref followed)) LookAgain();
        else Follow(mark);
        return view;
    }

    // The file was perhaps deleted, and another one made; this one would look quiet for ever.
    private void LookAgain()
    {
        var (now, last) = (time.GetTimestamp(), Interlocked.Read(ref renewed));
        if (time.GetElapsedTime(last, now) < RenewalInterval || Interlocked.CompareExchange(ref renewed, now, last) != last) return;
        live.Forget();
        if (disk.Exists(StoreIdentityFile.FileName) && StoreIdentityFile.Read(disk).Id != identity.Id)
            throw new StorageException($"Another store has taken the place of the one that was opened at '{disk.Root}'. Dispose this one and open it again.");
    }

    private void Follow(in LiveMark mark)
    {
        lock (gate)
        {
            if (isClosed || mark.Number == followed) return;
            if (!log.TryFollow(mark))
            {
                // The log was cut: a power loss took what had been told.
                log = OpenLog(usesRuns: true);
                Adopt();
                return;
            }

            var active = view.Index.State.Active;
            if (view.Index.Keeper.IsFreezeDue(view.End.Position) && active.Count >= nextTakingOfRuns)
            {
                nextTakingOfRuns = active.Count + (settings.FreezeEntries / 4);
                if (log.TryTakeRuns(settings)) Adopt();
            }

            Volatile.Write(ref followed, mark.Number);
        }
    }

    private void OpenAnew(bool usesRuns)
    {
        lock (gate)
        {
            log = OpenLog(usesRuns);
            Adopt();
        }
    }

    // Who reads what was there before goes on with it; its files close once nobody does.
    private void Adopt()
    {
        view = log.View;
        nextTakingOfRuns = 0;
        Volatile.Write(ref followed, log.Mark?.Number ?? 0);
    }

    // The writer goes on meanwhile: files may vanish that were there a moment ago, and what does not fit together may have been read at two moments.
    private FollowedLog OpenLog(bool usesRuns)
    {
        for (var attempt = 1; ; attempt++)
        {
            var before = live.Read();
            try
            {
                return FollowedLog.Open(disk, identity, live, settings, usesRuns);
            }
            catch (Exception error) when (attempt < MaxTries && (error is FileNotFoundException || (error is CorruptStorageException && live.Read() != before)))
            {
                // Once more.
            }
        }
    }

    private static T Told<T>(IDisk disk, Func<T> act)
    {
        try
        {
            return act();
        }
        catch (IndexDamageException error)
        {
            throw new CorruptStorageException($"{disk.Root}/{error.Path}", error.Message, "The index was made anew and is damaged again: look after the disk.", error);
        }
        catch (IOException error)
        {
            throw new StorageUnavailableException($"Reading the store at '{disk.Root}' failed: {error.Message} Nothing was changed. Try again once the cause is gone.", error);
        }
    }
}
