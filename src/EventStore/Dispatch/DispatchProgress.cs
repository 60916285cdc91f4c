using System.Text.Json;
using System.Text.Json.Serialization;
using EventStore.Deliveries;
using EventStore.Leases;

namespace EventStore.Dispatch;

/// <summary>
/// The document of dispatch: which events are dispatched, which are parked, and which process holds the lease. Everything up to the
/// watermark is dispatched or parked, and so are the marks above it. Plain data, written by compare-and-swap.
/// </summary>
internal sealed class DispatchProgress : ILeased<DispatchProgress>
{
    public const string DocumentName = "dispatch";

    public static DispatchProgress Empty => new();

    /// <summary>The checkpoint up to which everything is dispatched or parked.</summary>
    public long Watermark { get; set; }

    /// <summary>What is dispatched or parked above the watermark: sorted ranges that neither touch nor overlap.</summary>
    public List<CheckpointRange> Marks { get; set; } = [];

    /// <summary>What was parked after too many failures, in order.</summary>
    public List<CheckpointRange> Parked { get; set; } = [];

    /// <summary>The process that dispatches; null for none.</summary>
    public string? Owner { get; set; }

    /// <summary>Grows with every write of a lease holder, which shows without a clock that the holder is alive.</summary>
    public long Renewals { get; set; }

    public long ParkedCount => Parked.CountCheckpoints();

    public long MarkedCount => Marks.CountCheckpoints();

    public static DispatchProgress Read(string document, ReadOnlyMemory<byte> content) =>
        JsonSerializer.Deserialize(content.Span, DispatchJson.Default.DispatchProgress)
        ?? throw new CorruptStorageException($"document '{document}'", "it holds no progress of dispatch.", "Verify the store.");

    public byte[] Write() => JsonSerializer.SerializeToUtf8Bytes(this, DispatchJson.Default.DispatchProgress);

    public DispatchProgress Copy() =>
        new() { Watermark = Watermark, Marks = [.. Marks], Parked = [.. Parked], Owner = Owner, Renewals = Renewals };

    public bool IsMarked(long checkpoint) => checkpoint <= Watermark || Marks.Covers(checkpoint);

    public bool IsParked(long checkpoint) => Parked.Covers(checkpoint);

    /// <summary>Marks a range, joins it with its neighbors, and moves the watermark past what touches it.</summary>
    public void Mark(long first, long last)
    {
        first = Math.Max(first, Watermark + 1);
        if (last < first) return;
        Marks.Include(first, last);
        LiftOverMarks();
    }

    /// <summary>Records that everything up to here is dispatched, parked or deleted.</summary>
    public void LiftWatermark(long upTo)
    {
        if (upTo <= Watermark) return;
        Watermark = upTo;
        LiftOverMarks();
    }

    public void Park(long first, long last) => Parked.Include(first, last);

    public void Unpark(long first, long last) => Parked.Exclude(first, last);

    private void LiftOverMarks()
    {
        while (Marks.Count > 0 && Marks[0].First <= Watermark + 1)
        {
            Watermark = Math.Max(Watermark, Marks[0].Last);
            Marks.RemoveAt(0);
        }
    }
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(DispatchProgress))]
internal sealed partial class DispatchJson : JsonSerializerContext;
