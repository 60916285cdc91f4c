using System.ComponentModel;
using System.Diagnostics;

namespace GitHistory;

/// <summary>Says in one sentence why git failed.</summary>
internal sealed class GitException(string message) : Exception(message);

/// <summary>A repository on this machine, asked through the git command line.</summary>
/// <param name="Directory">Where git is run.</param>
/// <param name="Name">What its origin is called, or else its directory.</param>
/// <param name="CommitCount">How many commits its head has behind it; 0 for an empty repository.</param>
/// <param name="IsShallow">Whether the oldest part of its history is missing.</param>
internal sealed record GitRepository(string Directory, string Name, int CommitCount, bool IsShallow)
{
    /// <summary>Finds the repository that a directory belongs to.</summary>
    /// <exception cref="GitException">There is none, or no git.</exception>
    public static async Task<GitRepository> FindAsync(string directory, CancellationToken cancellationToken)
    {
        if (!System.IO.Directory.Exists(directory)) throw new GitException($"There is no directory '{directory}'.");
        var found = await AskAsync(
            directory, cancellationToken, "rev-parse", "--is-shallow-repository", "--path-format=absolute", "--git-common-dir");
        if (found.ExitCode != 0)
            throw new GitException($"'{Path.GetFullPath(directory)}' is not in a git repository that can be read. {Said(found.Errors)}");

        var lines = found.Output.Split('\n');
        var hasCommits = (await AskAsync(directory, cancellationToken, "rev-parse", "--quiet", "--verify", "HEAD")).ExitCode == 0;
        var count = hasCommits ? await AskAsync(directory, cancellationToken, "rev-list", "--count", "HEAD") : default;
        var origin = await AskAsync(directory, cancellationToken, "config", "--get", "remote.origin.url");
        var home = origin.ExitCode == 0 ? origin.Output : lines[1];
        return new(directory, NameOf(home), count.Output is null ? 0 : int.Parse(count.Output), lines[0] == "true");
    }

    /// <summary>Starts git, whose output is the caller's to read; its pager, colors and language are switched off.</summary>
    /// <exception cref="GitException">There is no git.</exception>
    public static Process Start(string directory, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo("git", ["-C", directory, "--no-pager", .. arguments])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["LC_ALL"] = "C", ["GIT_TERMINAL_PROMPT"] = "0", ["GIT_OPTIONAL_LOCKS"] = "0" },
        };
        try
        {
            var git = Process.Start(start)!;
            git.StandardInput.Close();
            return git;
        }
        catch (Win32Exception missing)
        {
            throw new GitException($"The git command could not be started: {missing.Message}. Install git, or put it on the PATH.");
        }
    }

    /// <summary>The last thing git said, as a sentence.</summary>
    public static string Said(string errors) =>
        errors.Trim().Split('\n')[^1] is { Length: > 0 } last ? $"Git says: {last.TrimEnd('.')}." : "";

    private static async Task<(int ExitCode, string Output, string Errors)> AskAsync(
        string directory, CancellationToken cancellationToken, params string[] arguments)
    {
        using var git = Start(directory, arguments);
        var output = git.StandardOutput.ReadToEndAsync(cancellationToken);
        var errors = git.StandardError.ReadToEndAsync(cancellationToken);
        await git.WaitForExitAsync(cancellationToken);
        return (git.ExitCode, (await output).Trim(), await errors);
    }

    // The last part of an address or path: /src/thing/.git, host:group/thing.git and /mirrors/thing.git are all 'thing'.
    private static string NameOf(string home)
    {
        var parts = home.Split(['/', '\\', ':'], StringSplitOptions.RemoveEmptyEntries);
        var last = parts is [.., var parent, ".git"] ? parent : parts.LastOrDefault("repository");
        return last.EndsWith(".git", StringComparison.Ordinal) && last.Length > 4 ? last[..^4] : last;
    }
}
