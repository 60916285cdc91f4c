using System.Text.Json;
using System.Text.Json.Serialization;
using EventStore.Deliveries;
using EventStore.Leases;

namespace EventStore.Dispatch;

/// <summary>
/// The document of dispatch: which events are dispatched, which are parked, and which process holds the lease. Everything up to the
/// watermark is dispatched or parked, and so are the marks above it. A value, written by compare-and-swap.
/// </summary>
internal sealed record DispatchProgress : ILeased<DispatchProgress>
{
    public const string DocumentName = "dispatch";

    public static DispatchProgress Empty { get; } = new();

    /// <summary>The identity of the store; null where it was not known when this was written.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Guid? Store { get; init; }

    /// <summary>The checkpoint up to which everything is dispatched or parked.</summary>
    public long Watermark { get; init; }

    /// <summary>What is dispatched or parked above the watermark: sorted ranges that neither touch nor overlap.</summary>
    public IReadOnlyList<CheckpointRange> Marks { get; init => field = value ?? []; } = [];

    /// <summary>What was parked after too many failures, in order.</summary>
    public IReadOnlyList<CheckpointRange> Parked { get; init => field = value ?? []; } = [];

    /// <summary>The process that dispatches; null for none.</summary>
    public string? Owner { get; init; }

    /// <summary>Grows with every write of a lease holder, which shows without a clock that the holder is alive.</summary>
    public long Renewals { get; init; }

    public long ParkedCount => Parked.CountCheckpoints();

    public long MarkedCount => Marks.CountCheckpoints();

    /// <summary>The first checkpoint that may still have to be dispatched, parked ones included.</summary>
    public long FindLowestNeeded() => Parked.Count > 0 ? Math.Min(Parked[0].First, Watermark + 1) : Watermark + 1;

    public static DispatchProgress Read(string document, ReadOnlyMemory<byte> content) =>
        LedgerContent.Read(document, content, DispatchJson.Default.DispatchProgress, progress =>
            LedgerContent.AreCounts(progress.Watermark, progress.Renewals) && progress.Marks.AreSound() && progress.Parked.AreSound());

    /// <summary>The same progress with the identity of the store that it was read from, which is empty where it is not known.</summary>
    /// <exception cref="CorruptStorageException">It is the progress of another store.</exception>
    public DispatchProgress In(Guid store)
    {
        if (store == Guid.Empty || Store == store) return this;
        return Store is null ? this with { Store = store } : throw new CorruptStorageException(
            $"document '{DocumentName}'", "it is the progress of another store, whose checkpoints mean nothing here.",
            LedgerContent.Advice);
    }

    public byte[] Write() => JsonSerializer.SerializeToUtf8Bytes(this, DispatchJson.Default.DispatchProgress);

    public DispatchProgress RenewedBy(string? owner) => this with { Owner = owner, Renewals = Renewals + 1 };

    public bool IsMarked(long checkpoint) => checkpoint <= Watermark || Marks.Covers(checkpoint);

    public bool IsParked(long checkpoint) => Parked.Covers(checkpoint);

    /// <summary>The progress after ranges were dispatched, parked or deleted.</summary>
    public DispatchProgress Mark(IEnumerable<CheckpointRange> ranges) => Mark(Watermark, ranges);

    /// <summary>The progress after everything up to a checkpoint, and ranges after it, were dispatched, parked or deleted.</summary>
    public DispatchProgress Mark(long upTo, IEnumerable<CheckpointRange> ranges)
    {
        var (watermark, joined) = (Math.Max(Watermark, upTo), 0);
        var marks = Marks.With(ranges.Where(range => range.Last > Watermark));
        for (; joined < marks.Count && marks[joined].First <= watermark + 1; joined++) watermark = Math.Max(watermark, marks[joined].Last);
        return this with { Watermark = watermark, Marks = [.. marks.Skip(joined)] };
    }

    public DispatchProgress Park(IEnumerable<CheckpointRange> ranges) => this with { Parked = Parked.With(ranges) };

    public DispatchProgress Unpark(IEnumerable<CheckpointRange> ranges) => this with { Parked = Parked.Without(ranges) };
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(DispatchProgress))]
internal sealed partial class DispatchJson : JsonSerializerContext;
