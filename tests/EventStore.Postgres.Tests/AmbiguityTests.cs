using System.Text;
using EventStore.TestServers;
using Npgsql;

namespace EventStore.Postgres.Tests;

/// <summary>Connections that break at the worst places, by a proxy before the server.</summary>
public sealed class AmbiguityTests : IAsyncLifetime
{
    private readonly TestSchema schema = new();
    private FaultyProxy? started;
    private string address = "";

    private FaultyProxy Proxy => started ?? throw new InvalidOperationException("The test has not begun.");

    public async ValueTask InitializeAsync()
    {
        var server = new NpgsqlConnectionStringBuilder(await TestSchema.AddressAsync());
        started = FaultyProxy.Before(server.Port);
        (server.Port, server.CommandTimeout, server.CancellationTimeout) = (Proxy.Port, 3, 300);
        address = server.ConnectionString;
    }

    public async ValueTask DisposeAsync()
    {
        if (started is not null) await started.DisposeAsync();
        await schema.DisposeAsync();
    }

    [Theory(Timeout = 120_000), CombinatorialFaults]
    public async Task A_commit_whose_connection_breaks_is_stored_once_and_the_caller_learns_it(Fault fault, bool isRemembered)
    {
        await using var store = await TestStores.BuildAsync(wireup => wireup.UsingPostgresPersistence(address, schema.Options));
        await store.AppendAsync("stream", "first");
        if (isRemembered) await store.AppendAsync("stream", "second");
        else await schema.RunAsync("UPDATE {schema}.store SET version = version + 1");

        var struck = Proxy.Arm(fault, "break here"u8.ToArray());
        var result = await store.AppendAsync(
            "stream", ExpectedRevision.StreamExists, [new EventMessage("break here")], SequentialGuid.Next());
        await struck;
        Assert.False(result.IsDuplicate);
        await store.AppendAsync("stream", "last");
        var bodies = new List<object>();
        await foreach (var committed in store.ReadStreamAsync("stream")) bodies.Add(committed.Body);
        Assert.Equal(isRemembered ? ["first", "second", "break here", "last"] : ["first", "break here", "last"], bodies);
    }

    [Theory(Timeout = 120_000)]
    [InlineData(Fault.CutBeforeForwarding, 1)]
    [InlineData(Fault.CutBeforeReply, 2)]
    [InlineData(Fault.CutInReply, 2)]
    [InlineData(Fault.HalfOpen, 2)]
    public async Task The_engine_says_that_it_does_not_know_and_the_same_id_settles_it(Fault fault, int revision)
    {
        await using var engine = await TestStores.OpenEngineAsync(address, schema.Options);
        await engine.CommitAsync(TestStores.Attempt("stream", ExpectedRevision.NoStream));
        var attempt = TestStores.Attempt("stream", ExpectedRevision.Exactly(1), "break-here");
        var struck = Proxy.Arm(fault, "break-here"u8.ToArray());
        await Assert.ThrowsAsync<BatchOutcomeUnknownException>(async () => await engine.CommitAsync(attempt));
        await struck;
        Assert.Equal(revision, (await engine.FindHeadAsync("stream"))!.Revision.Value);
        var again = await engine.CommitAsync(attempt);
        Assert.Equal(revision == 2 ? CommitOutcomeKind.Duplicate : CommitOutcomeKind.Committed, again.Kind);
        Assert.Equal(2, again.Commit!.FirstRevision.Value);
    }

    [Theory(Timeout = 120_000), InlineData(Fault.CutBeforeForwarding), InlineData(Fault.CutBeforeReply), InlineData(Fault.CutInReply),
        InlineData(Fault.DelayReply)]
    public async Task A_connection_that_breaks_before_anything_was_written_is_replaced_unseen(Fault fault)
    {
        await using var engine = await TestStores.OpenEngineAsync(address, schema.Options);
        var struck = Proxy.Arm(fault, "a-new-stream"u8.ToArray());
        Assert.Equal(CommitOutcomeKind.Committed,
            (await engine.CommitAsync(TestStores.Attempt("a-new-stream", ExpectedRevision.NoStream))).Kind);
        await struck;
        Assert.Single(await engine.ReadAllAsync());
    }

    [Theory(Timeout = 120_000), InlineData(Fault.CutBeforeForwarding), InlineData(Fault.CutBeforeReply), InlineData(Fault.CutInReply),
        InlineData(Fault.DelayReply)]
    public async Task A_read_whose_connection_breaks_returns_the_whole_page(Fault fault)
    {
        await using var engine = await TestStores.OpenEngineAsync(address, schema.Options);
        for (var i = 0; i < 20; i++) await engine.CommitAsync(TestStores.Attempt("stream-to-read", ExpectedRevision.Exactly(i)));
        var struck = Proxy.Arm(fault, Encoding.UTF8.GetBytes("stream-to-read"));
        var page = await engine.ReadStreamAsync(
            new StreamRead("stream-to-read", new Revision(1), Revision.Max, ReadDirection.Forward, new PageLimit(100, 1 << 20)));
        await struck;
        Assert.Equal((20, true), (page.Events.Length, page.IsEnd));
    }

    /// <summary>Every fault, both for a batch decided on what is remembered and for one decided in the section.</summary>
    [AttributeUsage(AttributeTargets.Method)]
    private sealed class CombinatorialFaultsAttribute : Xunit.v3.DataAttribute
    {
        public override ValueTask<IReadOnlyCollection<ITheoryDataRow>> GetData(System.Reflection.MethodInfo testMethod,
            Xunit.Sdk.DisposalTracker disposalTracker) =>
            new([.. from fault in Enum.GetValues<Fault>() from isRemembered in (bool[])[false, true] select new TheoryDataRow<Fault,
                bool>(fault, isRemembered)]);

        public override bool SupportsDiscoveryEnumeration() => true;
    }
}
