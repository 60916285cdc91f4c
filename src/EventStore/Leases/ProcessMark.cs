using System.Diagnostics;
using System.Globalization;

namespace EventStore.Leases;

/// <summary>
/// Marks a process, so that another process of the same machine can find out that it is gone. Known on Linux: boot id, namespace of process
/// ids, process id and start time. A mark of another boot or namespace says nothing.
/// </summary>
internal static class ProcessMark
{
    private const int Parts = 4;
    private static readonly string[]? OfThisProcess = Find();

    /// <summary>The mark of this process; null where the system does not show one.</summary>
    public static string? Text { get; } = OfThisProcess is null ? null : string.Join('/', OfThisProcess);

    /// <summary>Whether the process of a mark ran on this machine and is gone.</summary>
    public static bool IsGone(ReadOnlySpan<string> mark)
    {
        if (OfThisProcess is null || mark.Length != Parts || mark[0] != OfThisProcess[0] || mark[1] != OfThisProcess[1]) return false;
        return int.TryParse(mark[2], NumberStyles.None, CultureInfo.InvariantCulture, out var id) && !IsRunning(id, mark[3]);
    }

    private static string[]? Find()
    {
        if (!OperatingSystem.IsLinux()) return null;
        try
        {
            var boot = File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();
            var space = new FileInfo("/proc/self/ns/pid").LinkTarget;
            var id = Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
            return space is null || ReadStatus(id) is not { } status ? null : [boot, space, id, status.Started];
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    // A system may hide the processes of other users in /proc, but not whether a process id is taken.
    private static bool IsRunning(int id, string started)
    {
        try
        {
            Process.GetProcessById(id).Dispose();
        }
        catch (ArgumentException)
        {
            return false;
        }

        // The id may be taken by a later process. A zombie has ended; only its parent has not noticed yet.
        return ReadStatus(id.ToString(CultureInfo.InvariantCulture)) is not { } status
            || (status.Started == started && status.State is not ("Z" or "X"));
    }

    // The name of the program stands in parentheses, and may itself hold spaces and parentheses. Times are ticks since the boot.
    private static (string State, string Started)? ReadStatus(string id)
    {
        const int State = 0;
        const int Started = 19;
        try
        {
            var line = File.ReadAllText($"/proc/{id}/stat");
            var fields = line[(line.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            return fields.Length > Started ? (fields[State], fields[Started]) : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
