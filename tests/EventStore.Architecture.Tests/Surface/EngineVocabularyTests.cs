using EventStore.Architecture.Source;

namespace EventStore.Architecture.Surface;

/// <summary>Keeps what only an author of a backend needs out of an application's completion list.</summary>
public sealed class EngineVocabularyTests
{
    private const string Abstractions = "EventStore.Abstractions";

    private const string Good = """
        namespace EventStore
        {
            public interface IEventStore { System.Threading.Tasks.Task<Head?> FindAsync(StreamId id); }
            public interface IEventStream { }
            public readonly struct StreamId;
            public sealed class Head { public Checkpoint At => default; }
            public readonly struct Checkpoint;
        }
        namespace EventStore.Engines
        {
            public interface IPersistenceEngine { System.Collections.Generic.IReadOnlyList<Page[]> Read(StreamId id, Checkpoint after); }
            public sealed class Page { public Detail? Detail => null; }
            public sealed class Detail;
        }
        """;

    [Fact]
    public void Types_of_the_abstractions_are_in_the_namespace_of_their_readers() => Gate.Holds(
        EngineVocabulary.Misplaced(Compilations.Of(Repository.SourceProjects.Single(project => project.Name == Abstractions)).Assembly),
        "An application's types are in EventStore, those that only engines name in EventStore.Engines.");

    [Fact]
    public void Types_in_their_namespaces_are_no_offenders() => Assert.Empty(Misplaced(Good));

    [Theory]
    [InlineData("IEventStream { }", "IEventStream { void Take(EventStore.Engines.Page page); }",
        "Page is in EventStore.Engines, and IEventStream in EventStore names it")]
    [InlineData("Page[]> Read(", "Aside[]> Read(", "Aside is named by IPersistenceEngine only, and not in EventStore.Engines")]
    [InlineData("public sealed class Detail;", "public sealed class Detail; } namespace EventStore.Odd { public sealed class Other;",
        "Other is in EventStore.Odd")]
    public void A_misplaced_type_is_seen(string part, string replacement, string offender) => Assert.Equal(
        [offender],
        Misplaced(Good.Replace(part, replacement, StringComparison.Ordinal) + "namespace EventStore { public sealed class Aside; }"));

    private static IEnumerable<string> Misplaced(string text) =>
        EngineVocabulary.Misplaced(Compilations.Of(Abstractions, [SourceFile.Parse("src/A.cs", text)], [], []).Assembly);
}
