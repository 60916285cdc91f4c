using System.Collections.Concurrent;
using Npgsql;

namespace EventStore.Postgres;

/// <summary>
/// Names of streams by their keys, as pages taught them. A key is given again only where the newest commits were lost, as by a failover or
/// a crash. So the names hold as long as the newest commit that was read with them is there; each page asks for it. Used by several
/// threads.
/// </summary>
internal sealed class PostgresNames
{
    // Emptied when it is larger.
    private const int MaxNames = 100_000;
    private readonly ConcurrentDictionary<long, StreamId> names = new();
    private readonly Lock gate = new();

    // Changed under the gate; not older than any commit with which a name was learnt.
    private volatile CommitRecord? newest;

    /// <summary>The name of a stream; the default where it is not known.</summary>
    public StreamId Find(long key) => names.GetValueOrDefault(key);

    /// <summary>A statement with what it needs to ask for the newest commit. None is at checkpoint 0.</summary>
    public NpgsqlBatchCommand ToAsk(string statement)
    {
        var asked = newest;
        return new NpgsqlBatchCommand(statement)
        {
            Parameters = { PostgresSql.Value(asked?.FirstCheckpoint.Value ?? 0), PostgresSql.Value(asked?.CommitId ?? default),
                PostgresSql.Value((asked?.Stamp ?? default).UtcDateTime) },
        };
    }

    /// <summary>Takes names up, with the newest commit of the page that taught them.</summary>
    public void Learn(Dictionary<long, StreamId> learnt, CommitRecord with)
    {
        lock (gate)
        {
            if (names.Count > MaxNames) names.Clear();
            if (newest is not { } before || before.FirstCheckpoint < with.FirstCheckpoint) newest = with;
            foreach (var (key, name) in learnt) names[key] = name;
        }
    }

    /// <summary>Forgets all: the newest commit is no longer there.</summary>
    public void Forget()
    {
        lock (gate)
        {
            if (newest is null) return;
            newest = null;
            names.Clear();
        }
    }
}
