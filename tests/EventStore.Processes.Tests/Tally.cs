using System.Text.Json.Serialization;

namespace EventStore.Processes.Tests;

/// <summary>A state that shows every event that is lost, doubled or out of order.</summary>
/// <param name="Events">How many were counted.</param>
/// <param name="Last">The checkpoint of the last.</param>
/// <param name="Digest">Made of all checkpoints and texts, in their order.</param>
internal sealed record Tally(long Events, long Last, ulong Digest)
{
    private const ulong Prime = 1_099_511_628_211; // of FNV-1a, with 64 bits

    public static Tally Empty { get; } = new(0, 0, 14_695_981_039_346_656_037);

    public Tally Add(CommittedEvent committed)
    {
        var digest = (Digest ^ (ulong)committed.Checkpoint.Value) * Prime;
        foreach (var letter in (string)committed.Body) digest = (digest ^ letter) * Prime;
        return new Tally(Events + 1, committed.Checkpoint.Value, digest);
    }

    /// <summary>What the log says the state is.</summary>
    public static async Task<Tally> FoldAsync(IEventStore store)
    {
        var tally = Empty;
        await foreach (var committed in store.ReadAllAsync()) tally = tally.Add(committed);
        return tally;
    }
}

[JsonSerializable(typeof(Tally))]
[JsonSerializable(typeof(string))]
internal sealed partial class TallyJson : JsonSerializerContext;
