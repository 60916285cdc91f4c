using System.Reflection;

namespace EventStore.Conformance.Tests;

/// <summary>A broken engine and the fact that must catch it, by the engine's attribute.</summary>
internal sealed record Catch(Type Engine, Type Specification, string Fact)
{
    public static IReadOnlyList<Catch> All { get; } =
    [
        .. from engine in typeof(Catch).Assembly.GetTypes()
           from meant in engine.GetCustomAttributes<CaughtByAttribute>()
           select new Catch(engine, meant.Specification, meant.Fact),
    ];

    /// <summary>The names of the engines that some specifications must catch.</summary>
    public static TheoryData<string> Names(Func<Type, bool> isAmong) =>
        [.. All.Where(meant => isAmong(meant.Specification)).Select(meant => meant.ToString())];

    /// <summary>
    /// Fails unless an assertion of the fact fails over the engine. A skip, a run without end or another exception does not count.
    /// </summary>
    public static async Task RequireAsync(string name)
    {
        var meant = All.Single(meant => meant.ToString() == name);
        var verdicts = await Trial.RunAsync(meant.Specification, meant.Engine, [meant.Fact]);
        Assert.All(
            verdicts,
            verdict => Assert.True(
                verdict.Ending is Ending.Failed or Ending.Passed, $"an assertion should show what is wrong, but {verdict}"));
        Assert.Contains(verdicts, verdict => verdict.Ending == Ending.Failed);
    }

    public override string ToString() => $"{Engine.Name} by {Specification.Name[..^2]}.{Fact}";
}
