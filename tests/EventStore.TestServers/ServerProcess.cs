using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace EventStore.TestServers;

/// <summary>
/// A server started from a binary of this machine, held on a leash: a shell that ends it and removes its folder when this process ends,
/// however it ends. So no test leaves a server behind.
/// </summary>
internal sealed class ServerProcess
{
    // Prints the server's id, waits for a word or for the end of its input, which is the end of the process that holds it. A server may
    // refuse to end at a moment (Redis does while it writes its first log), so it is signaled again every second.
    private const string Leash = """
        folder=$1 signal=$2; shift 2
        "$@" </dev/null >>"$folder/server.log" 2>&1 &
        server=$!
        echo $server
        read -r word
        (while kill -"$signal" $server; do sleep 1; done) >/dev/null 2>&1 &
        signaling=$!
        wait $server
        kill $signaling 2>/dev/null
        [ "$word" = keep ] || rm -rf "$folder"
        """;

    private readonly Process leash;
    private readonly string folder;
    private bool isReleased;

    private ServerProcess(Process leash, string folder, int id) => (this.leash, this.folder, Id) = (leash, folder, id);

    public int Id { get; }

    /// <summary>Starts a server whose files are all below a folder.</summary>
    /// <param name="folder">The folder; goes with the server.</param>
    /// <param name="signal">By which the server ends at once and tidily.</param>
    /// <param name="command">The binary and its arguments.</param>
    public static async Task<ServerProcess> StartAsync(string folder, string signal, params IEnumerable<string> command)
    {
        // In a session of its own, where it survives a kill of this process with its group, and can tidy up.
        string[] shell = FindProgram("setsid") is { } setsid ? [setsid, "/bin/sh"] : ["/bin/sh"];
        var start = new ProcessStartInfo(shell[0], [.. shell[1..], "-c", Leash, "leash", folder, signal, .. command])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        var holding = Process.Start(start)!;
        var id = await holding.StandardOutput.ReadLineAsync();
        return new ServerProcess(holding, folder, int.Parse(id!, CultureInfo.InvariantCulture));
    }

    /// <summary>Waits until the server is ready.</summary>
    public async Task WaitUntilAsync(Func<Task<bool>> isReady)
    {
        var started = Stopwatch.GetTimestamp();
        while (!await isReady())
        {
            if (Stopwatch.GetElapsedTime(started) > TimeSpan.FromSeconds(60) || !IsAlive())
                throw new InvalidOperationException($"The server did not start. Its log ends: {LogTail()}");
            await Task.Delay(20);
        }
    }

    /// <summary>Kills the server with everything it started, as a power loss would. Its folder stays.</summary>
    public async Task KillAsync()
    {
        using (var server = Process.GetProcessById(Id)) server.Kill(entireProcessTree: true);
        await ReleaseAsync("keep");
    }

    /// <summary>Ends the server tidily. Its folder stays.</summary>
    public Task StopAsync() => ReleaseAsync("keep");

    /// <summary>Ends the server, and removes its folder.</summary>
    public Task RemoveAsync() => ReleaseAsync("");

    /// <summary>A port of the loopback device that no process listens at.</summary>
    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>Runs a program to its end.</summary>
    public static async Task RunAsync(string program, params IEnumerable<string> arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = await process.StandardError.ReadToEndAsync();
        await output;
        await process.WaitForExitAsync();
        if (process.ExitCode != 0) throw new InvalidOperationException($"{program} ended with {process.ExitCode}: {errors}");
    }

    /// <summary>The file of a program, looked for on the PATH and in further folders; null if there is none.</summary>
    public static string? FindProgram(string name, params IEnumerable<string> furtherFolders) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Concat(furtherFolders)
        .Where(path => path.Length > 0).Select(path => Path.Combine(path, name)).FirstOrDefault(File.Exists);

    private async Task ReleaseAsync(string word)
    {
        if (Interlocked.Exchange(ref isReleased, true))
        {
            if (word.Length == 0 && Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
            return;
        }

        if (!leash.HasExited) await leash.StandardInput.WriteLineAsync(word);
        await leash.WaitForExitAsync();
        leash.Dispose();
    }

    private bool IsAlive() => !File.Exists($"/proc/{Id}/status")
        || !File.ReadAllText($"/proc/{Id}/status").Contains("State:\tZ", StringComparison.Ordinal);

    private string LogTail() => File.Exists($"{folder}/server.log")
        ? string.Join(Environment.NewLine, File.ReadLines($"{folder}/server.log").TakeLast(5))
        : "(no log)";
}
