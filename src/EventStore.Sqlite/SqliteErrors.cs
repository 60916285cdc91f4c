using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace EventStore.Sqlite;

/// <summary>Turns errors of SQLite into those of the contract, by their codes.</summary>
internal static class SqliteErrors
{
    /// <summary>SQLITE_READONLY_CANTINIT.</summary>
    internal const int ReadOnlyCannotBegin = 1288;

    /// <summary>SQLITE_READONLY_DIRECTORY.</summary>
    internal const int ReadOnlyDirectory = 1544;

    private const string Advice = "Run VerifyAsync for the full list, and restore the database from a backup.";

    // Whether SQLite could not make or use the files beside the database, which opening it for reading only does not help.
    private static bool NeedsDirectory(SqliteException error) => error.SqliteExtendedErrorCode is
        ReadOnlyDirectory or ReadOnlyCannotBegin or raw.SQLITE_READONLY_CANTLOCK or raw.SQLITE_READONLY_RECOVERY;

    /// <summary>Whether another connection is in the way, which time heals.</summary>
    public static bool IsBusy(SqliteException error) => error.SqliteErrorCode is raw.SQLITE_BUSY or raw.SQLITE_LOCKED;

    /// <summary>Whether what is stored is damaged, as far as SQLite can see it.</summary>
    public static bool IsDamage(SqliteException error) => error.SqliteErrorCode is raw.SQLITE_CORRUPT or raw.SQLITE_NOTADB;

    /// <summary>Whether a row holds a value of another kind than was stored.</summary>
    public static bool IsOfAnotherKind(Exception error) => error is InvalidCastException or FormatException or OverflowException;

    /// <summary>The error of whatever was taken back, or never wrote; null for what the driver does not throw.</summary>
    public static StorageException? Of(Exception error, SqliteLocation location) => error switch
    {
        SqliteException failure => Of(failure, location),
        _ when IsOfAnotherKind(error) =>
            new CorruptStorageException($"'{location.Address}'", "a row holds a value of another kind than was stored.", Advice, error),
        _ => null,
    };

    /// <summary>The same for an error of SQLite itself.</summary>
    public static StorageException Of(SqliteException error, SqliteLocation location) => error.SqliteErrorCode switch
    {
        raw.SQLITE_BUSY or raw.SQLITE_LOCKED =>
            new StorageUnavailableException(
            $"The database '{location.Path}' is held by another connection. Nothing was stored; try again.", error),
        raw.SQLITE_FULL =>
            new StorageUnavailableException(
            $"There is no space left for the database '{location.Path}'. Nothing was stored, and what was stored before is whole. "
                + "Make room on its disk and try again.", error),
        raw.SQLITE_CORRUPT =>
            new CorruptStorageException($"'{location.Address}'", "SQLite found a page that is not what it should be.", Advice, error),
        raw.SQLITE_NOTADB => new CorruptStorageException($"'{location.Address}'", "the file is not a SQLite database.",
            "Name another file, or restore the database from a backup.", error),
        raw.SQLITE_READONLY when error.SqliteExtendedErrorCode == raw.SQLITE_READONLY_DBMOVED =>
            new StorageReplacedException(location.Address, "its file was removed, renamed or replaced while it was open."),
        raw.SQLITE_READONLY when NeedsDirectory(error) =>
            new StorageException(
            $"The directory of the database '{location.Path}' may not be written to. Nothing was stored. SQLite needs files beside a "
                + "database, also to read it. Give this process the right to write to that directory. Or copy the database, with a "
                + "-wal file beside it, into another one.", error),
        raw.SQLITE_READONLY =>
            new StorageException(
            $"The database '{location.Path}' may not be written to. Nothing was stored. "
                + "Give this process the right to write to the file and its directory, or set "
                + $"{nameof(SqliteOptions)}.{nameof(SqliteOptions.IsReadOnly)}.", error),
        raw.SQLITE_CANTOPEN or raw.SQLITE_IOERR when SqliteFiles.HandlesRanOut(location.FilePath) =>
            new StorageUnavailableException(
            $"The database '{location.Path}' cannot be opened now: this process or the machine has no file handles left. "
                + "Nothing was stored. Raise the limit (ulimit -n), or find out who holds them, and try again.", error),
        raw.SQLITE_CANTOPEN =>
            new StorageException(
            $"The database '{location.Path}' cannot be opened. Its file must exist or, where storage may be made, its directory must be "
                + "writable.", error),
        raw.SQLITE_PROTOCOL =>
            new StorageUnavailableException(
            $"The locks of the database '{location.Path}' are contended. Nothing was stored; try again. On a network file system locks do "
                + "not work: put the database on a local one.", error),
        raw.SQLITE_NOMEM =>
            new StorageUnavailableException(
            $"SQLite has no memory left for the database '{location.Path}'. Nothing was stored; free memory and try again.", error),
        raw.SQLITE_IOERR =>
            new StorageException(
            $"The file of the database '{location.Path}' could not be read or written (code {error.SqliteExtendedErrorCode}). Look at the "
                + "disk and the log of the operating system; then run VerifyAsync.", error),
        raw.SQLITE_PERM or raw.SQLITE_AUTH =>
            new StorageException(
            $"This process may not use the file of the database '{location.Path}'. Nothing was stored. Give it the right to read and "
                + "write the file and its directory.", error),
        raw.SQLITE_TOOBIG =>
            new StorageException(
            $"Something is larger than this build of SQLite takes in a row of the database '{location.Path}'. Nothing was stored. "
                + "Split it.", error),
        _ => new StorageException(
            $"SQLite failed with code {error.SqliteErrorCode} ({error.SqliteExtendedErrorCode}) on the database '{location.Path}'. "
                + "Nothing was stored.", error),
    };

    /// <summary>Whether a transaction whose end failed is known to have stored nothing: its last page was not written.</summary>
    public static bool StoredNothing(SqliteException error) => error.SqliteErrorCode == raw.SQLITE_FULL || IsBusy(error);

    public static StorageUnavailableException StillBusy(SqliteException error, SqliteLocation location, TimeSpan waited) =>
        new($"The database '{location.Path}' was held by another connection for {waited.TotalSeconds:0.###} s. Nothing was stored. "
            + $"Try again, or raise {nameof(SqliteOptions)}.{nameof(SqliteOptions.BusyTimeout)}.", error);

    public static CorruptStorageException Damage(SqliteSession session, string place, string problem) =>
        new($"'sqlite:{session.Connection.DataSource}', {place}", problem, Advice);
}
