namespace EventStore.Packages.Tests;

/// <summary>One native program with every backend whose driver can be compiled ahead of time, published once and run on each of them.</summary>
public sealed class PublishTests(PackedSolution packed, PublishTests.Program program) : IClassFixture<PublishTests.Program>
{
    private static readonly string[] Schemes = ["memory", "file", "sqlite", "postgres", "redis"];

    public static TheoryData<string> Compiled => [.. Schemes];

    [Theory]
    [MemberData(nameof(Compiled))]
    public async Task A_native_program_runs_on(string scheme) => await Published.CheckAsync(await program.GetAsync(packed), scheme);

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
