using System.ComponentModel;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace EventStore.Engines;

/// <summary>The rule for paths that an application gives, and what is at a path. For backends that keep files.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class Paths
{
    /// <summary>What <see cref="FindKind"/> returns for a directory.</summary>
    public const string Directory = "a directory";

    /// <summary>What <see cref="FindKind"/> returns for a regular file.</summary>
    public const string RegularFile = "a file";

    private const int Here = -100; // AT_FDCWD: a relative path is one of the working directory
    private const uint TypeOnly = 1;

    // Layout of struct statx, which is the same on every architecture.
    private const int StatusLength = 256;
    private const int ModeAt = 28;
    private const int TypeMask = 0xF000;

    /// <summary>Whether a text can be a path: it is not blank, has no NUL character, and no half of a surrogate pair.</summary>
    public static bool IsPath(string? text) =>
        !string.IsNullOrWhiteSpace(text) && !text.Contains('\0', StringComparison.Ordinal) && IsWellFormed(text);

    /// <summary>Returns a text that can be a path.</summary>
    /// <param name="path">The text.</param>
    /// <param name="what">What it must be, as the end of a sentence: "the path of a directory".</param>
    /// <param name="parameter">The parameter's name; set by the compiler.</param>
    /// <exception cref="ArgumentException">It cannot be a path. Nothing was opened or changed.</exception>
    public static string Require(string path, string what, [CallerArgumentExpression(nameof(path))] string parameter = "")
    {
        ArgumentNullException.ThrowIfNull(path, parameter);
        if (IsPath(path)) return path;
        throw new ArgumentException(
            string.IsNullOrWhiteSpace(path)
                ? $"It is empty or blank, but must be {what}. Nothing was opened or changed."
                : $"It has a NUL character or half of a surrogate pair, which no path has, but must be {what}. Nothing was opened or "
                    + "changed.",
            parameter);
    }

    /// <summary>What is at a path, links followed: "a directory", "a device", "a named pipe", "a socket" or "a file".</summary>
    /// <returns>Null if nothing is there, or it cannot be found out.</returns>
    public static string? FindKind(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (System.IO.Directory.Exists(path)) return Directory;
        if (!File.Exists(path)) return null;
        return OperatingSystem.IsLinux() ? KindOnLinux(path) : RegularFile;
    }

    private static string KindOnLinux(string path)
    {
        Span<byte> status = stackalloc byte[StatusLength];
        var name = Encoding.UTF8.GetBytes(path + '\0');
        try
        {
            if (Status(Here, ref name[0], 0, TypeOnly, ref MemoryMarshal.GetReference(status)) != 0) return RegularFile;
        }
        catch (EntryPointNotFoundException)
        {
            return RegularFile; // an old system
        }

        return (MemoryMarshal.Read<ushort>(status[ModeAt..]) & TypeMask) switch
        {
            0x1000 => "a named pipe",
            0x2000 or 0x6000 => "a device",
            0xC000 => "a socket",
            _ => RegularFile,
        };
    }

    private static bool IsWellFormed(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i])) continue;
            if (i + 1 == text.Length || !char.IsSurrogatePair(text[i], text[i + 1])) return false;
            i++;
        }

        return true;
    }

    [DllImport("libc", EntryPoint = "statx", ExactSpelling = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Status(int folder, ref byte path, int flags, uint wanted, ref byte status);
}
