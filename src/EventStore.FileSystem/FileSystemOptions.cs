using System.Text.RegularExpressions;

namespace EventStore;

/// <summary>Whether sealed files of the log are compressed.</summary>
public enum FileSystemCompression
{
    /// <summary>They stay uncompressed.</summary>
    None,

    /// <summary>
    /// With Brotli, in blocks that are unpacked when they are read. Typical JSON events take about two fifths of the space.
    /// </summary>
    Brotli,
}

/// <summary>Which users of the machine get access to the files and folders that a store creates. The umask may narrow it.</summary>
public enum FileSystemAccess
{
    /// <summary>Only the user of the process that creates them.</summary>
    Owner,

    /// <summary>Also the group of that user may read them, so that processes of other users may open the store for reading.</summary>
    GroupReads,

    /// <summary>Also the group of that user may read and write them.</summary>
    GroupWrites,
}

/// <summary>How the file engine keeps a store.</summary>
public sealed partial class FileSystemOptions
{
    private const long MinSegmentSizeBytes = 64 << 10;
    private const long MaxSegmentSizeBytes = 4L << 30;

    /// <summary>
    /// The store's name: stores of several names may share a directory. 1 to 64 lower-case letters, digits, <c>-</c> and <c>_</c>.
    /// Default: <c>events</c>.
    /// </summary>
    public string Name { get; set; } = "events";

    /// <summary>What an acknowledged commit survives. Default: <see cref="Durability.Durable"/>.</summary>
    public Durability Durability { get; set; } = Durability.Durable;

    /// <summary>
    /// With <see cref="Durability.Fast"/>, the interval at which written commits are flushed in the background. It bounds what a power loss
    /// can take. Null leaves it to the operating system.
    /// </summary>
    public TimeSpan? FlushInterval { get; set; }

    /// <summary>
    /// The length, in bytes, at which a file of the log is sealed and the next one begins. 64 KiB to 4 GiB; default 64 MiB.
    /// </summary>
    public long SegmentSizeBytes { get; set; } = 64 << 20;

    /// <summary>
    /// Whether files of the log are compressed once they are sealed, in the background, so that commits do not wait. Those sealed before
    /// it was chosen are compressed by <see cref="FileSystemStore.CompactAsync"/>. Default: <see cref="FileSystemCompression.None"/>.
    /// </summary>
    public FileSystemCompression Compression { get; set; } = FileSystemCompression.None;

    /// <summary>
    /// Which users get access to what is created. What exists keeps its permissions. Default: <see cref="FileSystemAccess.Owner"/>. Without
    /// effect on Windows, where files inherit their permissions from the directory.
    /// </summary>
    public FileSystemAccess Access { get; set; } = FileSystemAccess.Owner;

    internal FileSystemOptions Validated()
    {
        OptionRules.Require(
            this, Enum.IsDefined(Access), Access,
            $"{nameof(FileSystemAccess.Owner)}, {nameof(FileSystemAccess.GroupReads)} or {nameof(FileSystemAccess.GroupWrites)}");
        OptionRules.Require(this, NamePattern().IsMatch(Name ?? ""), Name, "1 to 64 lower-case letters, digits, '-' and '_'");
        OptionRules.RequireBetween(this, SegmentSizeBytes, MinSegmentSizeBytes, MaxSegmentSizeBytes);
        OptionRules.Require(
            this, Enum.IsDefined(Compression), Compression,
            $"{nameof(FileSystemCompression.None)} or {nameof(FileSystemCompression.Brotli)}");
        OptionRules.Require(
            this, Durability is Durability.Durable or Durability.Fast, Durability,
            $"{nameof(Durability.Durable)} or {nameof(Durability.Fast)}");
        OptionRules.Require(
            this, FlushInterval is null || (FlushInterval >= TimeSpan.FromMilliseconds(1) && FlushInterval <= TimeSpan.FromDays(1)),
            FlushInterval, "between a millisecond and a day");
        OptionRules.Require(
            this, FlushInterval is null || Durability == Durability.Fast, FlushInterval,
            $"null while {nameof(Durability)} is {Durability}, which flushes every batch");
        return (FileSystemOptions)MemberwiseClone();
    }

    [GeneratedRegex("^[a-z0-9_-]{1,64}\\z", RegexOptions.CultureInvariant)]
    private static partial Regex NamePattern();
}
