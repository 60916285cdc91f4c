using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace OwnBackend;

/// <summary>
/// Lines in a file. Each is a JSON array of a checksum and an entry, <c>["1f0e2d3c",{"$type":"commit",…}]</c>; the checksum covers the
/// entry and the line before it, so a line that is changed, missing or out of place is found. Not safe for threads.
/// </summary>
internal sealed class JournalFile : IDisposable
{
    private const int Version = 2;
    private const uint Seed = uint.MaxValue;
    private const string Advice = "Restore the journal from a backup; nothing of it was changed.";
    private static readonly JsonSerializerOptions Json =
        new(JsonSerializerOptions.Strict) { PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    private readonly string path;
    private readonly FileStream file;
    private uint last = Seed;

    /// <summary>Opens the file for one writer, replays its lines, and begins it where there are none.</summary>
    /// <exception cref="StorageException">It is missing and may not be made, another engine has it open, or a line is damaged.</exception>
    public JournalFile(string path, bool mayCreate, ILogger logger, Action<JournalEntry> replay)
    {
        this.path = path;
        FileStream? opened = null;
        try
        {
            // FileShare.None is what excludes a second writer on every system; FileShare.Read would let it in on Unix.
            var mode = mayCreate ? FileMode.OpenOrCreate : FileMode.Open;
            file = opened = new FileStream(path, mode, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
            Replay(logger, replay);
        }
        catch (Exception error)
        {
            opened?.Dispose();
            if (error is FileNotFoundException)
                throw new StorageException($"There is no journal at '{path}'. InitializeStorageEngine() makes one.", error);
            if (error is not (IOException or UnauthorizedAccessException)) throw;
            throw new StorageException(
                $"The journal cannot be opened: {error.Message} One engine at a time writes a journal; "
                + "if another has it open, dispose that one first.",
                error);
        }
    }

    /// <summary>Writes entries as lines behind the last one, in one go. After a failure the file must be opened again.</summary>
    /// <exception cref="StorageUnavailableException">Nothing was written. After any other exception some of it may be.</exception>
    public void Append(IEnumerable<JournalEntry> entries)
    {
        var lines = new MemoryStream();
        foreach (var entry in entries) lines.Write(Encode(entry, ref last));
        var end = file.Length;
        file.Position = end;
        try
        {
            file.Write(lines.GetBuffer(), 0, (int)lines.Length);
        }
        catch (IOException error)
        {
            file.SetLength(end);
            throw new StorageUnavailableException($"The journal '{path}' cannot be written: {error.Message} Nothing was stored.", error);
        }
    }

    /// <summary>Checks every line and returns those that are damaged.</summary>
    public IEnumerable<Damage> FindDamage()
    {
        var (number, previous) = (0, Seed);
        foreach (var (line, isWhole) in ReadLines())
        {
            number++;
            var problem = Decode(line, ref previous, out _) ?? (isWhole ? null : "it has no end.");
            if (problem is not null) yield return new Damage(PlaceOf(number), problem, Advice);
        }
    }

    public void Dispose() => file.Dispose();

    // A line is acknowledged only after it was written with its end. So a line without an end was never acknowledged and may be cut off;
    // no other line may.
    private void Replay(ILogger logger, Action<JournalEntry> apply)
    {
        var number = 0;
        foreach (var (line, isWhole) in ReadLines())
        {
            number++;
            if (!isWhole) CutOff(line, number, logger);
            else if (Decode(line, ref last, out var entry) is { } problem)
                throw new CorruptStorageException(PlaceOf(number), problem, Advice);
            else if (number == 1 && entry is not JournalEntry.Begun { Version: Version })
                throw new StorageFormatException($"The journal '{path}'", VersionOf(entry), $"version {Version}");
            else apply(entry!);
        }

        if (file.Length == 0) Append([new JournalEntry.Begun(Version)]);
    }

    private void CutOff(string torn, int number, ILogger logger)
    {
        var previous = Seed;
        var first = Encoding.Latin1.GetString(Encode(new JournalEntry.Begun(Version), ref previous));
        if (number == 1 && !first.StartsWith(torn, StringComparison.Ordinal))
            throw new CorruptStorageException(PlaceOf(number), "it is not the beginning of a journal.", Advice);
        File.AppendAllText(path + ".torn", torn + "\n", Encoding.Latin1);
        file.SetLength(file.Length - torn.Length);
        logger.LogWarning(
            "The last line of {Journal}, line {Line}, was cut off: the process that wrote it ended before its end. "
            + "A copy is in {Journal}.torn.",
            path, number, path);
    }

    // Lines are ASCII, as the serializer escapes the rest; read as Latin-1 a character is a byte, whatever damage is met.
    private IEnumerable<(string Line, bool IsWhole)> ReadLines()
    {
        file.Position = Math.Max(0, file.Length - 1);
        var isWhole = file.ReadByte() is '\n';
        file.Position = 0;
        using var reader = new StreamReader(
            file, Encoding.Latin1, detectEncodingFromByteOrderMarks: false, bufferSize: 1 << 16, leaveOpen: true);
        while (reader.ReadLine() is { } line) yield return (line, isWhole || !reader.EndOfStream);
    }

    private static byte[] Encode(JournalEntry entry, ref uint previous)
    {
        var json = JsonSerializer.SerializeToUtf8Bytes(entry, Json);
        previous = Checksum(previous, json);
        return [.. Encoding.ASCII.GetBytes($"[\"{previous:x8}\","), .. json, (byte)']', (byte)'\n'];
    }

    // Returns what is wrong with a line, or null and its entry. After a damaged line the next is checked against what that one claims.
    private static string? Decode(string line, ref uint previous, out JournalEntry? entry)
    {
        entry = null;
        if (line.Length < 13 || !uint.TryParse(line.AsSpan(2, 8), NumberStyles.AllowHexSpecifier, null, out var checksum))
            return "it is not a line of a journal.";
        var before = previous;
        previous = checksum;
        var json = Encoding.Latin1.GetBytes(line[12..^1]);
        if (Checksum(before, json) != checksum) return "its checksum is not that of its text and the line before.";
        try
        {
            entry = JsonSerializer.Deserialize<JournalEntry>(json, Json);
            return entry is null ? "it says nothing." : null;
        }
        catch (JsonException error)
        {
            return $"it says something that this version does not know, at {error.Path}.";
        }
    }

    private static uint Checksum(uint previous, ReadOnlySpan<byte> json)
    {
        foreach (var part in json) previous = BitOperations.Crc32C(previous, part);
        return previous;
    }

    private static string VersionOf(JournalEntry? first) => first is JournalEntry.Begun begun ? $"version {begun.Version}" : "no version";

    private string PlaceOf(int number) => $"{path}, line {number}";
}
