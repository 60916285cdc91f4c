using System.Text.Json;
using System.Text.Json.Serialization;
using EventStore.Leases;

namespace EventStore.Imports;

/// <summary>The document of an import: how far it is in its source, and what it did up to there. An immutable value.</summary>
internal sealed record ImportRecord
{
    private const string Folder = "imports/";

    /// <summary>The identity of the store that it is of; null where it is not known.</summary>
    public Guid? Store { get; init; }

    public ImportMode Mode { get; init; }

    /// <summary>The checkpoint of the source up to which everything is stored.</summary>
    public long Position { get; init; }

    public bool IsComplete { get; init; }

    /// <summary>How often the import was opened. A run that finds another number was replaced by a later one.</summary>
    public long Run { get; init; }

    public ImportReport Report { get; init; } = new(0, 0, 0, 0, 0, 0);

    public static string DocumentOf(string name) => Folder + name;

    /// <exception cref="CorruptStorageException">It is not as this package writes it.</exception>
    public static ImportRecord Read(string document, ReadOnlyMemory<byte> content)
    {
        ImportRecord? read;
        try
        {
            read = JsonSerializer.Deserialize(content.Span, ImportJson.Default.ImportRecord);
        }
        catch (JsonException)
        {
            // Its message can show what is in the document.
            read = null;
        }

        return read is { Report: { } report } && Enum.IsDefined(read.Mode)
            && LedgerContent.AreCounts(
                read.Position, read.Run, report.Commits, report.Events, report.Duplicates, report.RaisedStamps, report.SkippedCheckpoints,
                report.Snapshots)
            ? read
            : throw new CorruptStorageException(
                $"document '{Names.Printable(document)}'", "its content is not as this package writes it.",
                "Restore it from a backup of this store, or delete it: then the import begins again, and finds what is stored.");
    }

    /// <summary>The same record with the identity of the store that it was read from, which is empty where it is not known.</summary>
    /// <exception cref="CorruptStorageException">It is the record of another store.</exception>
    public ImportRecord In(Guid store, string document)
    {
        if (store == Guid.Empty || Store == store) return this;
        return Store is null ? this with { Store = store } : throw new CorruptStorageException(
            $"document '{Names.Printable(document)}'", "it is the progress of an import into another store.", LedgerContent.Advice);
    }

    public byte[] Write() => JsonSerializer.SerializeToUtf8Bytes(this, ImportJson.Default.ImportRecord);
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, UseStringEnumConverter = true)]
[JsonSerializable(typeof(ImportRecord))]
internal sealed partial class ImportJson : JsonSerializerContext;
