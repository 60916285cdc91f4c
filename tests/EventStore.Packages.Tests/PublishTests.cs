namespace EventStore.Packages.Tests;

/// <summary>
/// One native program with every backend whose driver can be compiled ahead of time, published once and run on each of them.
/// </summary>
public sealed class PublishTests(PackedSolution packed, PublishTests.Program program) : IClassFixture<PublishTests.Program>
{
    private static readonly string[] Schemes = ["memory", "file", "sqlite", "postgres", "redis"];

    public static TheoryData<string> Compiled => [.. Schemes];

    [Theory]
    [MemberData(nameof(Compiled))]
    public async Task A_native_program_runs_on(string scheme) => await Published.CheckAsync(await program.GetAsync(packed), scheme);

    [Theory]
    [InlineData("/_/src/EventStore.Redis/RedisRows.cs(12): Trim analysis warning IL2026: EventStore.Redis.RedisRows.Read(): Using X", 1)]
    [InlineData("ILC : AOT analysis warning IL3050: EventStore.Wireup.Find<T>(): Using member 'X'", 1)]
    [InlineData("/a/b.dll : warning IL2104: Assembly 'EventStore.Sqlite' produced trim warnings.", 1)]
    [InlineData("ILC : Trim analysis warning IL2075: MongoDB.Bson.BsonTypeMapper.X(): 'this' argument", 0)]
    [InlineData("Engines.cs(7): Trim analysis warning IL2026: Engines.Add(): Using member 'EventStore.MongoWireupExtensions.AddMongo'", 0)]
    public void A_warning_is_ours_by_where_it_was_found(string line, int ours) =>
        Assert.Equal(ours, Application.FindOwnWarnings($"begin\n{line}\nend").Count());

    /// <summary>The program, published at the first call.</summary>
    public sealed class Program
    {
        private readonly Lock gate = new();
        private Task<Application>? published;

        internal Task<Application> GetAsync(PackedSolution packed)
        {
            lock (gate) return published ??= Published.PublishAsync(packed, "Native", Publishing.Native, Schemes);
        }
    }
}
