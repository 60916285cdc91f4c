using System.Globalization;

namespace EventStore.Redis;

/// <summary>
/// The limits of the engine, by those of the server for one argument and one reply. A commit that is too large is refused before it is
/// sent, and so is known not to be stored.
/// </summary>
internal static class RedisLimits
{
    /// <summary>The settings of the server that limit what is sent and received.</summary>
    public static readonly string[] Settings = ["proto-max-bulk-len", "client-query-buffer-limit", "client-output-buffer-limit"];

    // What comes with the bytes of an event in one argument: names, lengths, the header of an entry.
    private const long EnvelopeBytes = 8 << 10;

    // A page that is under way when an entry is added to it.
    private const long PageBytes = 2 << 20;

    /// <summary>The limits where the server sets none that matters, or does not return its settings.</summary>
    public static EngineLimits Default { get; } = new(
        MaxEventsPerCommit: 100_000, MaxCommitBytes: 16 << 20, MaxSnapshotBytes: 16 << 20, MaxDocumentBytes: 4 << 20,
        MaxBatchAttempts: 512);

    /// <summary>The limits by settings of the server.</summary>
    public static EngineLimits By(IReadOnlyDictionary<string, string> settings)
    {
        var most = Math.Min(
            Math.Min(Bound(settings, "proto-max-bulk-len", EnvelopeBytes), Bound(settings, "client-query-buffer-limit", EnvelopeBytes)),
            BoundOfReplies(settings));
        return Default with
        {
            MaxCommitBytes = Math.Min(Default.MaxCommitBytes, most),
            MaxSnapshotBytes = Math.Min(Default.MaxSnapshotBytes, most),
            MaxDocumentBytes = Math.Min(Default.MaxDocumentBytes, most),
        };
    }

    private static long Bound(IReadOnlyDictionary<string, string> settings, string name, long reserved) =>
        settings.TryGetValue(name, out var value) ? Bound(value, reserved) : long.MaxValue;

    // "normal HARD SOFT SECONDS slave ...", in bytes; 0 for no limit.
    private static long BoundOfReplies(IReadOnlyDictionary<string, string> settings)
    {
        var words = settings.GetValueOrDefault("client-output-buffer-limit", "").Split(' ');
        var at = Array.IndexOf(words, "normal");
        return at < 0 || at + 1 >= words.Length ? long.MaxValue : Bound(words[at + 1], PageBytes);
    }

    private static long Bound(string value, long reserved) =>
        long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var bytes) && bytes > 0
            ? Math.Max(1, bytes - reserved)
            : long.MaxValue;
}
