using System.Reflection;
using Xunit.Sdk;
using Xunit.v3;

namespace EventStore.Conformance.Tests.Harness;

/// <summary>How a run of a fact ended.</summary>
internal enum Ending
{
    /// <summary>It passed.</summary>
    Passed,

    /// <summary>An assertion failed, which shows what is wrong.</summary>
    Failed,

    /// <summary>Another exception was thrown, which does not help the author of a backend.</summary>
    Threw,

    /// <summary>It was skipped.</summary>
    Skipped,

    /// <summary>It did not end in time.</summary>
    Hung,
}

/// <summary>How one run of a fact ended and why; a theory runs once for each row.</summary>
internal sealed record Verdict(string Fact, Ending Ending, Exception? Error)
{
    public override string ToString() => $"{Fact}: {Ending}{(Error is null ? "" : $", {Error.Message}")}";
}

/// <summary>
/// Runs facts of a specification over a kind of engine, as a test runner does, and returns how each ended instead of failing.
/// </summary>
internal static class Trial
{
    /// <summary>Runs all facts of a specification, or the named ones, each over new storage.</summary>
    public static async Task<IReadOnlyList<Verdict>> RunAsync(
        Type specification, Type engine, IReadOnlyCollection<string>? facts = null, TimeSpan? patience = null)
    {
        var type = Specimens.Make(specification, typeof(Storage<>).MakeGenericType(engine));
        var methods = FactsOf(type).Where(method => facts is null || facts.Contains(method.Name)).ToList();
        if (methods.Count == 0 || methods.Count < facts?.Count)
            throw new InvalidOperationException($"{specification.Name} lacks a fact among {string.Join(", ", facts ?? [])}.");

        var verdicts = new List<Verdict>();
        foreach (var method in methods)
        {
            foreach (var row in await RowsOf(method)) verdicts.Add(await RunAsync(type, method, row, patience ?? TimeSpan.FromMinutes(1)));
        }

        return verdicts;
    }

    /// <summary>The facts and theories of a specification, without those that are skipped until something is built.</summary>
    public static IEnumerable<MethodInfo> FactsOf(Type specification) =>
        specification.GetMethods(BindingFlags.Public | BindingFlags.Instance).Where(
            method => method.GetCustomAttribute<FactAttribute>() is { Skip: null });

    private static async Task<IEnumerable<object?[]>> RowsOf(MethodInfo method)
    {
        if (method.GetCustomAttribute<TheoryAttribute>() is null) return [[]];
        var rows = new List<object?[]>();
        foreach (var source in method.GetCustomAttributes<DataAttribute>())
            rows.AddRange((await source.GetData(method, new DisposalTracker())).Select(row => row.GetData()));
        return rows;
    }

    private static async Task<Verdict> RunAsync(Type type, MethodInfo method, object?[] row, TimeSpan patience)
    {
        var name = row.Length == 0 ? method.Name : $"{method.Name}({string.Join(", ", row)})";
        var specification = (IAsyncLifetime)Activator.CreateInstance(type)!;
        await specification.InitializeAsync();
        try
        {
            await Task.Run(() => Invoke(specification, method, row)).WaitAsync(patience);
            return new Verdict(name, Ending.Passed, null);
        }
        catch (Exception error)
        {
            return new Verdict(name, EndingOf(error), error);
        }
        finally
        {
            await specification.DisposeAsync();
        }
    }

    private static Task Invoke(object specification, MethodInfo method, object?[] row) =>
        method.Invoke(specification, BindingFlags.DoNotWrapExceptions, null, row, null) switch
        {
            Task task => task,
            ValueTask task => task.AsTask(),
            _ => Task.CompletedTask,
        };

    private static Ending EndingOf(Exception error) => error switch
    {
        SkipException => Ending.Skipped,
        XunitException => Ending.Failed,
        TimeoutException => Ending.Hung,
        _ => Ending.Threw,
    };
}
