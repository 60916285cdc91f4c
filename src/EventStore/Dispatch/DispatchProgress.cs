using System.Text.Json;
using System.Text.Json.Serialization;
using EventStore.Leases;

namespace EventStore.Dispatch;

/// <summary>
/// What one document says of dispatch: everything up to the watermark is dispatched or parked, and so are the marks above it; and who holds the lease.
/// Plain data; whoever changes it writes it by compare-and-swap.
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

    /// <summary>Who dispatches; null for nobody.</summary>
    public string? Owner { get; set; }

    /// <summary>Grows with every write of a lease holder: a sign of life that needs no clock.</summary>
    public long Renewals { get; set; }

    public long ParkedCount => Parked.Sum(range => range.Last - range.First + 1);

    public static DispatchProgress Read(string document, ReadOnlyMemory<byte> content) =>
        JsonSerializer.Deserialize(content.Span, DispatchJson.Default.DispatchProgress)
        ?? throw new CorruptStorageException($"document '{document}'", "it holds no progress.", "Verify the store.");

    public byte[] Write() => JsonSerializer.SerializeToUtf8Bytes(this, DispatchJson.Default.DispatchProgress);

    public DispatchProgress Copy() => new() { Watermark = Watermark, Marks = [.. Marks], Parked = [.. Parked], Owner = Owner, Renewals = Renewals };

    public bool IsMarked(long checkpoint) => checkpoint <= Watermark || Marks.Exists(range => range.First <= checkpoint && checkpoint <= range.Last);

    public bool IsParked(long checkpoint) => Parked.Exists(range => range.First <= checkpoint && checkpoint <= range.Last);

    /// <summary>Marks a range, joins it with its neighbours, and lifts the watermark over what touches it.</summary>
    public void Mark(long first, long last)
    {
        first = Math.Max(first, Watermark + 1);
        if (last < first) return;
        Add(Marks, first, last);
        LiftOverMarks();
    }

    /// <summary>Says that everything up to here is dispatched, parked or gone.</summary>
    public void LiftWatermark(long upTo)
    {
        if (upTo <= Watermark) return;
        Watermark = upTo;
        LiftOverMarks();
    }

    public void Park(long first, long last) => Add(Parked, first, last);

    public void Unpark(long first, long last)
    {
        for (var i = Parked.Count - 1; i >= 0; i--)
        {
            var range = Parked[i];
            if (range.Last < first || range.First > last) continue;
            Parked.RemoveAt(i);
            if (range.Last > last) Parked.Insert(i, new(last + 1, range.Last));
            if (range.First < first) Parked.Insert(i, new(range.First, first - 1));
        }
    }

    private void LiftOverMarks()
    {
        while (Marks.Count > 0 && Marks[0].First <= Watermark + 1)
        {
            Watermark = Math.Max(Watermark, Marks[0].Last);
            Marks.RemoveAt(0);
        }
    }

    private static void Add(List<CheckpointRange> ranges, long first, long last)
    {
        var at = ranges.FindIndex(range => range.Last >= first - 1);
        if (at < 0) at = ranges.Count;
        while (at < ranges.Count && ranges[at].First <= last + 1)
        {
            (first, last) = (Math.Min(first, ranges[at].First), Math.Max(last, ranges[at].Last));
            ranges.RemoveAt(at);
        }

        ranges.Insert(at, new(first, last));
    }
}

/// <summary>Checkpoints from a first to a last one, both included.</summary>
internal readonly record struct CheckpointRange(long First, long Last);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(DispatchProgress))]
internal sealed partial class DispatchJson : JsonSerializerContext;
