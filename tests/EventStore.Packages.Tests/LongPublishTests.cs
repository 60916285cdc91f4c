namespace EventStore.Packages.Tests;

/// <summary>Every way of publishing, each backend alone: minutes, so only in a long run.</summary>
public sealed class LongPublishTests(PackedSolution packed)
{
    public static TheoryData<string> All => [.. Published.Backends.Keys];

    [Theory]
    [MemberData(nameof(All))]
    public async Task A_native_program_of_one_backend_runs(string scheme)
    {
        RequireLongRun();
        await Published.CheckAsync(await Published.PublishAsync(packed, $"Native-{scheme}", Publishing.Native, scheme), scheme);
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task A_trimmed_program_of_one_backend_runs(string scheme)
    {
        RequireLongRun();
        await Published.CheckAsync(await Published.PublishAsync(packed, $"Trimmed-{scheme}", Publishing.Trimmed, scheme), scheme);
    }

    [Fact]
    public async Task A_trimmed_program_with_all_backends_runs_on_each()
    {
        RequireLongRun();
        var program = await Published.PublishAsync(packed, "Trimmed", Publishing.Trimmed, [.. Published.Backends.Keys]);
        foreach (var scheme in Published.Backends.Keys) await Published.CheckAsync(program, scheme);
    }

    private static void RequireLongRun() => Assert.SkipUnless(
        Environment.GetEnvironmentVariable("EVENTSTORE_CONFORMANCE") == "long",
        "Set EVENTSTORE_CONFORMANCE=long (./test.sh --long) to publish each backend alone.");
}
