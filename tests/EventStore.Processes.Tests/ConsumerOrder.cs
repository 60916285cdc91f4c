using System.Globalization;

namespace EventStore.Processes.Tests;

/// <summary>What a process with a consumer is to do.</summary>
/// <param name="Address">Where the store is.</param>
/// <param name="Schema">The schema of the store, where it is in PostgreSQL.</param>
/// <param name="Appends">Whether it also appends events, as the only process that has the store open.</param>
/// <param name="EventsPerCheckpoint">After how many events it writes position and state.</param>
/// <param name="Term">After how long without a sign of life it takes over from another process.</param>
internal sealed record ConsumerOrder(string Address, string Schema, bool Appends, int EventsPerCheckpoint, TimeSpan Term)
{
    /// <summary>How long it takes over each event.</summary>
    public TimeSpan Step { get; init; }

    public const string Consumer = "tally";

    public static ConsumerOrder Parse(string[] arguments) =>
        new(arguments[0], arguments[1], bool.Parse(arguments[2]), int.Parse(arguments[3], CultureInfo.InvariantCulture), Time(arguments[4]))
        {
            Step = Time(arguments[5]),
        };

    public string[] ToArguments() =>
        [Address, Schema, Appends.ToString(), EventsPerCheckpoint.ToString(CultureInfo.InvariantCulture), $"{Term}", $"{Step}"];

    /// <summary>The store, as every process of a test opens it.</summary>
    public ValueTask<IEventStore> OpenAsync() => Wireup.Init()
        .UsingPersistence(Address, engines => engines
            .AddFileSystem(new FileSystemOptions { Durability = Durability.Fast }).AddSqlite()
            .AddPostgres(new PostgresOptions { Schema = Schema }))
        .InitializeStorageEngine()
        .UsingJsonSerialization(TallyJson.Default, types => types.Register<string>("text").Register<Tally>("tally"))
        .DoNotDispatchCommits()
        .BuildAsync();

    /// <summary>How the consumer works: it waits where another process has the name.</summary>
    public ConsumerOptions ToOptions() => new()
    {
        WhenTaken = WhenTaken.Wait,
        LeaseTerm = Term,
        PollInterval = TimeSpan.FromMilliseconds(50),
        EventsPerCheckpoint = EventsPerCheckpoint,
        CheckpointInterval = TimeSpan.FromMilliseconds(20),
    };

    private static TimeSpan Time(string argument) => TimeSpan.Parse(argument, CultureInfo.InvariantCulture);
}
