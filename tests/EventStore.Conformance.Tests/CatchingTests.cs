using System.Reflection;

namespace EventStore.Conformance.Tests;

/// <summary>Over each broken engine, the fact that must catch it fails with a message.</summary>
public sealed class CatchingTests
{
    public static TheoryData<string> Catches { get; } = Catch.Names(
        specification => !CatchingRacesTests.Racing.Contains(specification) && !CatchingWaitsTests.Waiting.Contains(specification));

    // Promises of core over any engine: dispatch after a restart, when to dispatch, polling, hooks, reconnecting, secrets and retention.
    private static readonly string[] Uncaught = ["G28", "G30", "G38", "G41", "G42", "G49", "G50", "G57"];

    [Theory, MemberData(nameof(Catches))]
    public Task A_broken_engine_is_caught(string name) => Catch.RequireAsync(name);

    [Fact]
    public void Every_specification_catches_a_broken_engine() =>
        Assert.Equal(
            Specimens.Specifications.Select(type => type.Name).Order(),
            Catch.All.Select(meant => meant.Specification.Name).Distinct().Order());

    [Fact]
    public void Every_guarantee_of_the_kit_catches_a_broken_engine()
    {
        var caught = Catch.All.SelectMany(meant => GuaranteesOf(meant.Specification, meant.Fact)).ToHashSet();
        var proved = Specimens.Specifications.SelectMany(specification => GuaranteesOf(specification)).ToHashSet();
        Assert.Empty(((string[])["G51", "G52", "G53", "G54", "G55", "G56", "G58"]).Except(proved));
        Assert.Equal(Uncaught, proved.Except(caught).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Every_broken_engine_is_caught_by_a_fact() => Assert.Empty(
        typeof(Catch).Assembly.GetTypes().Where(
            type => type is { IsAbstract: false, Namespace: "EventStore.Conformance.Tests.Engines" }
                && type.IsSubclassOf(typeof(DelegatingEngine)))
            .Except(Catch.All.Select(meant => meant.Engine)).Except([typeof(Engines.Sound), typeof(Engines.PromisesNothing)]));

    private static IEnumerable<string> GuaranteesOf(Type specification, string? fact = null) =>
        specification.GetMethods().Where(method => fact is null || method.Name == fact)
            .SelectMany(method => method.GetCustomAttribute<GuaranteeAttribute>()?.Numbers ?? []);

    [Fact]
    public async Task The_model_reports_the_seed_and_a_short_history()
    {
        var verdicts = await Trial.RunAsync(
            typeof(ModelSpecification<>),
            typeof(Engines.ForgetsOlderCommitIds),
            [nameof(ModelSpecification<>.The_engine_agrees_with_the_model_over_thousands_of_random_operations)]);
        foreach (var message in verdicts.Select(verdict => verdict.Error!.Message))
        {
            Assert.Contains("seed ", message, StringComparison.Ordinal);
            Assert.InRange(message[message.IndexOf("shortest history", StringComparison.Ordinal)..].Split('\n').Length, 2, 12);
        }
    }
}

/// <summary>The same for specifications that run engines in parallel for seconds.</summary>
public sealed class CatchingRacesTests
{
    internal static readonly Type[] Racing =
    [
        typeof(ConcurrencySpecification<>), typeof(DispatchLeaseSpecification<>), typeof(ConsumerStartSpecification<>),
        typeof(DeliveryModelSpecification<>),
    ];

    public static TheoryData<string> Catches { get; } = Catch.Names(specification => Racing.Contains(specification));

    [Theory, MemberData(nameof(Catches))]
    public Task A_broken_engine_is_caught(string name) => Catch.RequireAsync(name);
}

/// <summary>The same for specifications that wait for something a broken engine never does.</summary>
public sealed class CatchingWaitsTests
{
    internal static readonly Type[] Waiting = [typeof(LifecycleSpecification<>), typeof(ReadOnlySpecification<>)];

    public static TheoryData<string> Catches { get; } = Catch.Names(specification => Waiting.Contains(specification));

    [Theory, MemberData(nameof(Catches))]
    public Task A_broken_engine_is_caught(string name) => Catch.RequireAsync(name);
}
