using System.Text;
using Microsoft.Data.Sqlite;

namespace EventStore.Sqlite.Tests;

/// <summary>Short ways to commit, read and tamper.</summary>
internal static class Samples
{
    public static CommitAttempt Attempt(StreamId stream, params string[] bodies) =>
        new(stream, SequentialGuid.Next(),
            [.. bodies.Select(body => new EventRecord(SequentialGuid.Next(), "type", Encoding.UTF8.GetBytes(body)))]);

    public static CommitAttempt Tagged(StreamId stream, string body, params string[] tags) =>
        new(stream, SequentialGuid.Next(), [new EventRecord(SequentialGuid.Next(), "type", Encoding.UTF8.GetBytes(body), default, tags)]);

    public static async Task<CommitRecord> AppendAsync(this IPersistenceEngine engine, StreamId stream, params string[] bodies)
    {
        var outcome = Assert.Single(await engine.CommitAsync([Attempt(stream, bodies)]));
        Assert.Equal(CommitOutcomeKind.Committed, outcome.Kind);
        return outcome.Commit!;
    }

    public static async Task<string[]> ReadAsync(this IPersistenceEngine engine, StreamId stream) =>
        Bodies((await engine.ReadStreamAsync(
            new StreamRead(stream, new Revision(1), Revision.Max, ReadDirection.Forward, new PageLimit(10_000, long.MaxValue)))).Events);

    public static async Task<string[]> ReadAllAsync(this IPersistenceEngine engine, EventFilter? filter = null) =>
        Bodies((await engine.ReadAllAsync(new StoreRead(filter ?? EventFilter.Everything, new Checkpoint(0), Checkpoint.Max,
            ReadDirection.Forward, new PageLimit(10_000, long.MaxValue)))).Events);

    /// <summary>Runs SQL on a database as another program would.</summary>
    public static object? Run(this TestDirectory directory, string sql)
    {
        using var connection = new SqliteConnection($"Data Source={directory.Database};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar();
    }

    private static string[] Bodies(ReadOnlyMemory<RecordedEvent> events) =>
        [.. events.ToArray().Select(recorded => Encoding.UTF8.GetString(recorded.Record.Body.Span))];
}
