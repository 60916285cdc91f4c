using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace GitHistory;

/// <summary>What happened to one file in one git commit. Every file is a stream of these.</summary>
internal interface IFileEvent
{
    Change Change { get; }
}

/// <summary>What all events of files have in common. Lines are null where git counts none, as in binary files.</summary>
internal sealed record Change(string Commit, string Author, DateTimeOffset When, string Subject, int? Added, int? Removed);

internal sealed record FileAdded(Change Change) : IFileEvent;

internal sealed record FileChanged(Change Change) : IFileEvent;

/// <summary>
/// Stands in both streams: the last event under the old name, the first under the new one. Its lines count under the new one.
/// </summary>
internal sealed record FileRenamed(Change Change, string From, string To) : IFileEvent;

internal sealed record FileDeleted(Change Change) : IFileEvent;

/// <summary>An event on its way to the stream of a file, with the commit id under which it is stored once and never again.</summary>
internal readonly record struct Fact(string Path, Guid CommitId, IFileEvent Event)
{
    /// <summary>Returns a git commit as the events of its files.</summary>
    public static IEnumerable<Fact> AllOf(GitCommit commit)
    {
        foreach (var file in commit.Files)
        {
            var change = new Change(commit.Hash, commit.Author, commit.When, commit.Subject, file.Added, file.Removed);
            switch (file.Kind)
            {
                case GitChange.Added:
                    yield return Of(file.Path, new FileAdded(change));
                    break;
                case GitChange.Deleted:
                    yield return Of(file.Path, new FileDeleted(change));
                    break;
                case GitChange.Renamed:
                    yield return Of(file.From!, new FileRenamed(change with { Added = 0, Removed = 0 }, file.From!, file.Path));
                    yield return Of(file.Path, new FileRenamed(change, file.From!, file.Path));
                    break;
                default:
                    yield return Of(file.Path, new FileChanged(change));
                    break;
            }
        }
    }

    private static Fact Of(string path, IFileEvent happened) => new(path, CommitIdOf(happened.Change.Commit, path), happened);

    // The same git commit and file give the same id on every machine: UUID version 8 (RFC 9562) of a SHA-256.
    private static Guid CommitIdOf(string hash, string path)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes($"{hash}\0{path}"), digest);
        digest[6] = (byte)((digest[6] & 0x0F) | 0x80);
        digest[8] = (byte)((digest[8] & 0x3F) | 0x80);
        return new Guid(digest[..16], bigEndian: true);
    }
}

/// <summary>The JSON of all that is stored, generated when the sample is compiled.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(FileAdded))]
[JsonSerializable(typeof(FileChanged))]
[JsonSerializable(typeof(FileRenamed))]
[JsonSerializable(typeof(FileDeleted))]
[JsonSerializable(typeof(FileState))]
internal sealed partial class GitJson : JsonSerializerContext;
