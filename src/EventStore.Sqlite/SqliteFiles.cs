using System.Runtime.InteropServices;
using Microsoft.Data.Sqlite;
using Microsoft.Win32.SafeHandles;

namespace EventStore.Sqlite;

/// <summary>What SQLite does not report about the files of a database: whether they were replaced, and whether handles ran out.</summary>
internal static class SqliteFiles
{
    private const int HasMovedControl = 20; // SQLITE_FCNTL_HAS_MOVED
    private const int HandlesOfOpening = 3; // the database, its log, the index of its log
    private const int NoHandlesOfMachine = 23; // ENFILE
    private const int NoHandlesOfProcess = 24; // EMFILE

    /// <summary>
    /// Whether the file of an open database was removed, renamed or replaced. SQLite itself goes on with the old one. Costs one call to the
    /// operating system.
    /// </summary>
    public static bool HasMoved(SqliteConnection connection)
    {
        if (connection.Handle is not { IsInvalid: false } handle) return false;
        try
        {
            return sqlite3_file_control(handle.DangerousGetHandle(), 0, HasMovedControl, out var answer) == 0 && answer != 0;
        }
        catch (Exception error) when (error is DllNotFoundException or EntryPointNotFoundException)
        {
            return false; // another build of SQLite was put in place of the bundled one
        }
    }

    /// <summary>Whether the process or the machine has too few file handles left to open a database.</summary>
    public static bool HandlesRanOut(string? path)
    {
        if (path is null || OperatingSystem.IsWindows()) return false;
        var opened = new List<SafeFileHandle>(HandlesOfOpening);
        try
        {
            while (opened.Count < HandlesOfOpening)
                opened.Add(File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));
            return false;
        }
        catch (IOException error)
        {
            return error.HResult is NoHandlesOfMachine or NoHandlesOfProcess;
        }
        catch (UnauthorizedAccessException)
        {
            return false;
        }
        finally
        {
            foreach (var handle in opened) handle.Dispose();
        }
    }

    [DllImport("e_sqlite3", ExactSpelling = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int sqlite3_file_control(nint database, nint name, int operation, out int answer);
}
