using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Index;
using EventStore.FileSystem.Recovery;
using EventStore.FileSystem.Segments;
using EventStore.FileSystem.Store;

namespace EventStore.FileSystem.Sharing;

/// <summary>
/// A store that another process may write: read without a lock and without changing anything. Before each read it catches up with the
/// newest mark, on the reader's own thread. So a read sees everything that any process acknowledged before.
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

    // Held while catching up.
    private readonly Lock gate = new();
    private FollowedLog log;
    private int nextTakingOfRuns;

    private volatile StoreView view;
    private long followed;
    private long renewed;
    private volatile bool isClosed;

    // What was read is no longer there. Nothing is read any more, so that nothing is skipped.
    private volatile StorageReplacedException? replaced;
    private readonly IDiskFile identityFile;

    private FollowedStore(IDisk disk, IndexSettings settings, TimeProvider time, CancellationToken cancellationToken)
    {
        if (!StoreFolder.HasStore(disk))
            throw new StorageNotFoundException(
                $"There is no store at '{disk.Root}', and a process that only reads creates none. "
                + "Check the directory and the store's name, or let the writing process create it.");
        (this.disk, this.settings, this.time, identity) = (disk, settings, time, StoreIdentityFile.Read(disk));
        renewed = time.GetTimestamp();
        live = new LiveReader(disk, Format.SeedOf(identity.Id));
        identityFile = disk.Open(StoreIdentityFile.FileName, forWriting: false);
        try
        {
            log = OpenLog(usesRuns: true, cancellationToken);
        }
        catch
        {
            identityFile.Dispose();
            live.Dispose();
            throw;
        }

        (view, followed) = (log.View, log.Mark?.Number ?? 0);
    }

    /// <exception cref="StorageNotFoundException">There is no store, or it is still being created.</exception>
    /// <exception cref="StorageException">The store is damaged or of an unknown format.</exception>
    public static FollowedStore Open(IDisk disk, IndexSettings settings, TimeProvider time, CancellationToken cancellationToken) =>
        TranslateErrors(disk, () => new FollowedStore(disk, settings, time, cancellationToken));

    /// <summary>Follows the newest mark; returns up to where everything may be read.</summary>
    public LogPoint CatchUp() => TranslateErrors(disk, () => Current().End);

    /// <summary>
    /// Reads. An index entry that leads nowhere is older than a compaction, or damaged; the store is then opened again, the second time
    /// without its runs.
    /// </summary>
    public T Read<T>(Func<StoreView, T> read) => TranslateErrors(disk, () =>
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return read(Current());
            }
            catch (IndexDamageException) when (attempt < 4)
            {
                if (attempt > 1) Reopen(usesRuns: attempt == 2);
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
            identityFile.Dispose();
        }
    }

    private StoreView Current()
    {
        ObjectDisposedException.ThrowIf(isClosed, typeof(IPersistenceEngine));
        RefuseIfReplaced();
        LookAgain();
        if (live.Read() is { } mark && mark.Number != Volatile.Read(ref followed)) Follow(mark);
        return view;
    }

    // Once a second: the live file may have been deleted and created again, and the old one would never change. Or everything was put
    // elsewhere, or replaced by a backup.
    private void LookAgain()
    {
        var (now, last) = (time.GetTimestamp(), Interlocked.Read(ref renewed));
        if (time.GetElapsedTime(last, now) < RenewalInterval || Interlocked.CompareExchange(ref renewed, now, last) != last) return;
        live.Forget();
        var path = $"{disk.Root}/{StoreIdentityFile.FileName}";
        if (!disk.Exists(StoreIdentityFile.FileName)) throw Replaced($"'{path}' is not there any more.");
        if (StoreIdentityFile.Read(disk).Id != identity.Id) throw Replaced("it is another store.");
        lock (gate)
        {
            if (!isClosed && !(identityFile.IsAt(path) && log.IsInPlace())) OpenAgain(usesRuns: true);
        }
    }

    private void Follow(in LiveMark noticed)
    {
        lock (gate)
        {
            // Another thread may have read a newer mark since.
            if (isClosed || noticed.Number == followed || live.Read() is not { } mark || mark.Number == followed) return;
            RefuseIfReplaced();
            if (!log.TryFollow(mark))
            {
                OpenAgain(usesRuns: true);
                return;
            }

            var active = view.Index.State.Active;
            if (view.Index.Keeper.IsFullInOpening(view.End.Position) && active.Count >= nextTakingOfRuns)
            {
                nextTakingOfRuns = active.Count + (settings.FreezeEntries / 4);
                if (log.TryTakeRuns(settings)) Adopt();
            }

            Volatile.Write(ref followed, mark.Number);
        }
    }

    private void Reopen(bool usesRuns)
    {
        lock (gate) OpenAgain(usesRuns);
    }

    // Called with the gate held. What was read before has to be there still: a reader may have acted on it.
    private void OpenAgain(bool usesRuns)
    {
        RefuseIfReplaced();
        var opened = OpenLog(usesRuns);
        var read = view.End;
        if (!opened.Continues(read))
        {
            var end = opened.View.End;
            opened.Dispose();
            throw Replaced(
                end.NextCheckpoint < read.NextCheckpoint
                    ? $"this process has read up to checkpoint {read.NextCheckpoint - 1}, but the log ends at {end.NextCheckpoint - 1}. "
                        + "It was set back to an older state, such as a backup."
                    : $"what follows checkpoint {read.NextCheckpoint - 1} does not continue what this process has read. "
                        + "It was set back to an older state, such as a backup, and written to since.");
        }

        log = opened;
        Adopt();
    }

    private StorageReplacedException Replaced(string found) => replaced = new StorageReplacedException(disk.Root, found);

    private void RefuseIfReplaced()
    {
        if (replaced is { } error) throw new StorageReplacedException(error.Place, error.Found);
    }

    // Reads in progress continue on the old view; its files close once no read uses them.
    private void Adopt()
    {
        view = log.View;
        nextTakingOfRuns = 0;
        Volatile.Write(ref followed, log.Mark?.Number ?? 0);
    }

    // The writer continues meanwhile: a file may be deleted between two steps, and parts read at two moments may not fit together.
    private FollowedLog OpenLog(bool usesRuns, CancellationToken cancellationToken = default)
    {
        for (var attempt = 1; ; attempt++)
        {
            var before = live.Read();
            try
            {
                return FollowedLog.Open(disk, identity, live, new Following(settings, usesRuns, cancellationToken));
            }
            catch (Exception error) when (
                attempt < MaxTries && (error is FileNotFoundException || (error is CorruptStorageException && live.Read() != before)))
            {
                // Try again.
            }
        }
    }

    private static T TranslateErrors<T>(IDisk disk, Func<T> act)
    {
        try
        {
            return act();
        }
        catch (IndexDamageException error)
        {
            throw new CorruptStorageException(
                $"{disk.Root}/{error.Path}", error.Message, "The index was rebuilt and is damaged again: check the disk.", error);
        }
        catch (IOException error)
        {
            throw new StorageUnavailableException(
                $"Reading the store at '{disk.Root}' failed: {error.Message} Nothing was changed. Try again once the cause is gone.",
                error);
        }
    }
}
