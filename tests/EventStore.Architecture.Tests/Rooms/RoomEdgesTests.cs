using EventStore.Architecture.Source;
using Microsoft.CodeAnalysis.CSharp;

namespace EventStore.Architecture.Rooms;

/// <summary>Proves on small made-up sources that circles and strays between rooms are seen.</summary>
public sealed class RoomEdgesTests
{
    private const string Folder = "src/House";

    private static readonly CSharpCompilation Vocabulary =
        Compilations.Of("Words", [SourceFile.Parse("src/Words/Word.cs", "namespace EventStore; public sealed class Word { }")], [], []);

    [Fact]
    public void A_use_in_another_room_is_an_edge_with_its_file_and_line()
    {
        var edges = Edges(
            ("Upper/A.cs", "namespace House.Upper;\npublic sealed class A\n{\n    public House.Lower.B? Below;\n}"),
            ("Lower/B.cs", "namespace House.Lower; public sealed class B { }"));
        Assert.Equal(["Upper → Lower: src/House/Upper/A.cs:4 uses B"], edges.Select(edge => edge.ToString()).Distinct());
    }

    [Fact]
    public void A_circle_is_shown_by_its_edges()
    {
        var circle = Assert.Single(RoomCircles.In(Edges(
            ("One/A.cs", "namespace H; class A { B? b; }"),
            ("Two/B.cs", "namespace H; class B { C? c; }"),
            ("Three/C.cs", "namespace H; class C { A? a; }"))));
        Assert.Contains("One → Two: src/House/One/A.cs:1", circle, StringComparison.Ordinal);
        Assert.Contains("Three → One: src/House/Three/C.cs:1", circle, StringComparison.Ordinal);
    }

    [Fact]
    public void A_type_that_is_only_inferred_is_an_edge() => Assert.Contains(
        Edges(
            ("One/A.cs", "namespace H; class A { object M() { var c = B.Make(); return c; } }"),
            ("Two/B.cs", "namespace H; class B { public static C Make() => new(); }"),
            ("Three/C.cs", "namespace H; class C { }")),
        edge => edge is { From: "One", To: "Three" });

    [Fact]
    public void An_extension_method_is_an_edge() => Assert.Contains(
        Edges(
            ("One/A.cs", "namespace H; class A { int M() => \"\".Twice(); }"),
            ("Two/B.cs", "namespace H; static class B { public static int Twice(this string text) => text.Length * 2; }")),
        edge => edge is { From: "One", To: "Two", Name: "Twice" });

    [Fact]
    public void A_call_with_unknown_types_is_still_an_edge() => Assert.Contains(
        Edges(
            ("One/A.cs", "namespace H; class A { void M(Driver d) => B.Do(d, new Row()); }"),
            ("Two/B.cs", "namespace H; static class B { public static void Do(Driver d) { } }")),
        edge => edge is { From: "One", To: "Two", Name: "Do" });

    [Fact]
    public void The_front_door_looks_in_and_no_room_looks_out_to_it()
    {
        var edges = Edges(
            ("Door.cs", "namespace H; class Door { A? a; }"),
            ("Streams/A.cs", "namespace H; class A { Door? door; }"));
        Assert.Equal(["Streams"], edges.Where(edge => !CoreArrows.Allow(edge.From, edge.To)).Select(edge => edge.From).Distinct());
    }

    [Fact]
    public void A_type_of_another_project_is_no_edge_even_in_the_namespace_of_this_one() =>
        Assert.Empty(Edges(("One/A.cs", "namespace EventStore; class A { Word? word; }"),
            ("Door.cs", "namespace EventStore; class Door { }")));

    [Theory]
    [InlineData("Streams", "Dispatch")]
    [InlineData("Pipeline", "Streams")]
    [InlineData("Serialization", "Diagnostics")]
    [InlineData("Streams", "InMemory")]
    [InlineData("InMemory", "Pipeline")]
    [InlineData("Composition", Room.FrontDoor)]
    [InlineData("Streams", "Elsewhere")]
    public void The_picture_of_the_core_has_no_arrow(string from, string to) => Assert.False(CoreArrows.Allow(from, to));

    [Theory]
    [InlineData(Room.FrontDoor, "Composition")]
    [InlineData("Composition", "InMemory")]
    [InlineData("Composition", "Diagnostics")]
    [InlineData("Dispatch", "Pipeline")]
    [InlineData("Pipeline", "Serialization")]
    public void The_picture_of_the_core_has_the_arrow(string from, string to) => Assert.True(CoreArrows.Allow(from, to));

    private static IReadOnlyList<RoomEdge> Edges(params (string File, string Text)[] sources) => RoomEdges.Of(
        Compilations.Of("House", [.. sources.Select(source => SourceFile.Parse($"{Folder}/{source.File}", source.Text))], [], [Vocabulary]),
        Folder);
}
