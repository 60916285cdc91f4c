using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Engine;
using EventStore.FileSystem.Maintenance;

namespace EventStore;

/// <summary>
/// The files of a store, for backup, compaction, verification and repair. Pass it to
/// <see cref="FileSystemWireupExtensions.UsingFileSystemPersistence(Wireup, FileSystemStore)"/> and its members work on the open store,
/// concurrently with readers and the writer. While the store is closed, they open it temporarily.
/// </summary>
public sealed class FileSystemStore
{
    private readonly string directory;
    private readonly FileSystemOptions options;
    private volatile FileSystemPersistenceEngine? newest;

    /// <summary>Names the files of a store. Opens nothing.</summary>
    /// <param name="directory">The directory; stores of several names may share it.</param>
    /// <param name="options">Name, durability and sizes; null for the defaults.</param>
    /// <exception cref="InvalidOptionException">The directory is no path, or an option is out of its range.</exception>
    public FileSystemStore(string directory, FileSystemOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(directory);
        OptionRules.RequireOf(
            nameof(FileSystemStore), Paths.IsPath(directory), directory,
            "the path of a directory, without a NUL character or half of a surrogate pair");
        (this.directory, this.options) = (directory, (options ?? new FileSystemOptions()).Validated());
    }

    /// <summary>
    /// Copies the store into another directory, which can then be opened as a store: it holds everything acknowledged before the call, on
    /// the medium. Given the same directory again, copies what is new since.
    /// </summary>
    /// <param name="targetDirectory">Where to; the store gets its name below it, as in its own directory.</param>
    /// <param name="progress">Receives the progress after each file of the log; may be null.</param>
    /// <param name="cancellationToken">
    /// Ends the copy. The target then opens with the content of an earlier backup, or more. Without an earlier one it is refused until a
    /// backup is complete.
    /// </param>
    /// <exception cref="ArgumentException">The target is no path, or lies in the store.</exception>
    /// <exception cref="StorageException">The target holds something else, or there is no store.</exception>
    /// <exception cref="StorageUnavailableException">A disk failed or is full; try again once the cause is gone.</exception>
    public ValueTask<BackupReport> BackupAsync(
        string targetDirectory, IProgress<FileSystemProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        var target = TargetIn(targetDirectory);
        return UseAsync(
            engine => engine.MaintainAsync((store, token) => new Backup(store, target, progress, token).Run(), cancellationToken),
            cancellationToken);
    }

    /// <summary>
    /// Frees the space of everything that was deleted, purged, pruned or replaced. Where the options say so, it compresses the files of the
    /// log that are not compressed yet. Checkpoints, revisions and commit ids stay; readers and the writer continue.
    /// </summary>
    /// <param name="progress">Receives the progress after each file of the log; may be null.</param>
    /// <param name="cancellationToken">Ends it; what is done stays done.</param>
    /// <exception cref="CorruptStorageException">A file of the log is damaged; it stays as it is.</exception>
    /// <exception cref="StorageUnavailableException">The disk failed or is full; finished files stay compacted, and the others are
    /// unchanged.</exception>
    public ValueTask<CompactionReport> CompactAsync(
        IProgress<FileSystemProgress>? progress = null, CancellationToken cancellationToken = default) =>
        UseAsync(
            engine => engine.MaintainAsync((store, token) => new Compaction(store, progress, token).Run(), cancellationToken),
            cancellationToken);

    /// <summary>Reads everything stored and reports every damage with its place.</summary>
    /// <exception cref="StorageException">The store cannot be opened; a <see cref="CorruptStorageException"/> says where it is
    /// damaged.</exception>
    public ValueTask<VerificationReport> VerifyAsync(
        IProgress<VerificationProgress>? progress = null, CancellationToken cancellationToken = default) =>
        UseAsync(engine => engine.VerifyAsync(progress, cancellationToken).AsTask(), cancellationToken);

    /// <summary>
    /// Saves what can be saved of a damaged store into a new directory, and reports what was lost. Saved events keep their checkpoints,
    /// revisions, commit ids and stamps. The damaged store is only read; close it first.
    /// </summary>
    /// <param name="targetDirectory">Where to; it must not hold a store of this name.</param>
    /// <param name="progress">Receives the progress after each file of the log; may be null.</param>
    /// <param name="cancellationToken">Ends it; the new directory is then refused when it is opened. Delete it.</param>
    /// <exception cref="ArgumentException">The target is no path, or lies in the store.</exception>
    /// <exception cref="StorageException">There is nothing to repair, or the target is not empty.</exception>
    public async ValueTask<RepairReport> RepairAsync(
        string targetDirectory, IProgress<FileSystemProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        var target = TargetIn(targetDirectory);
        if (newest is { IsOpen: true }) throw new InvalidOperationException("The store is open. Dispose it before it is repaired.");
        return await Task.Run(
            () => Repair.RunAsync(new FileDisk(Root), target, FileSystemEngines.SettingsOf(options), progress, cancellationToken),
            cancellationToken).ConfigureAwait(false);
    }

    internal IPersistenceEngine Open(EngineContext context)
    {
        newest = null;
        if (context.IsReadOnly) return FileSystemEngines.Following(directory, options, context);
        var engine = FileSystemEngines.Over(directory, options, context);
        newest = engine;
        return engine;
    }

    private string Root => Path.GetFullPath(Path.Combine(directory, options.Name));

    private FileDisk TargetIn(string targetDirectory)
    {
        Paths.Require(targetDirectory, "the path of a directory");
        var target = Path.GetFullPath(Path.Combine(targetDirectory, options.Name));
        if (target == Root || target.StartsWith(Root + Path.DirectorySeparatorChar, StringComparison.Ordinal))
            throw new ArgumentException(
                $"'{targetDirectory}' is the directory of the store itself, or lies in it. Name another one.", nameof(targetDirectory));
        return new FileDisk(target, FileSystemEngines.PermissionsOf(options));
    }

    private async ValueTask<T> UseAsync<T>(Func<FileSystemPersistenceEngine, Task<T>> use, CancellationToken cancellationToken)
    {
        if (newest is { IsOpen: true } open) return await use(open).ConfigureAwait(false);
        var engine = FileSystemEngines.Over(directory, options, EngineContext.Default with { MayCreateStorage = false });
        await using (engine.ConfigureAwait(false))
        {
            await engine.InitializeAsync(cancellationToken).ConfigureAwait(false);
            return await use(engine).ConfigureAwait(false);
        }
    }
}
