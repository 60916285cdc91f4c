using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace EventStore.Benchmarks;

/// <summary>
/// The floor: records of one size written one after another to a file that grows, each flushed or not. No store, no check, no index.
/// </summary>
internal static partial class BareFile
{
    public static long Write(string path, Clock clock, int recordBytes, int records, bool isFlushed)
    {
        var record = new byte[recordBytes];
        Array.Fill(record, (byte)'x');
        using (var file = File.OpenHandle(path, FileMode.Create, FileAccess.Write))
        {
            clock.Restart();
            for (var i = 0; i < records; i++)
            {
                RandomAccess.Write(file, record, (long)i * recordBytes);
                if (isFlushed) Flush(file);
            }

            clock.Stop();
        }

        File.Delete(path);
        return records;
    }

    // .NET's own flush hides errors on Unix, and calls fsync where fdatasync is enough.
    private static void Flush(SafeFileHandle file)
    {
        if (!OperatingSystem.IsLinux()) throw new PlatformNotSupportedException("The floor of flushed records is measured on Linux only.");
        if (Fdatasync(file) != 0) throw new IOException($"The flush failed with error {Marshal.GetLastPInvokeError()}.");
    }

    [LibraryImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    private static partial int Fdatasync(SafeFileHandle file);
}
