using EventStore.Architecture.Source;

namespace EventStore.Architecture.Surface;

/// <summary>Proves on made-up sources what the listing shows, and that a difference is shown with its type.</summary>
public sealed class PublicSurfaceTests
{
    [Theory]
    [InlineData("public class A { }", "class A\n    A()\n")]
    [InlineData("public static class A { public const int B = 3; }", "static class A\n    const int B = 3\n")]
    [InlineData("public sealed record A(int B) { public int C => B; }",
        "sealed record A\n    A(int B)\n    int B { get; init; }\n    int C { get; }\n")]
    [InlineData("public record A { public required string? B { get; init; } }",
        "record A\n    A()\n    required string? B { get; init; }\n")]
    [InlineData("public readonly record struct A { }", "readonly record struct A\n")]
    [InlineData("public interface IA<in T> : IDisposable where T : notnull { void B(T b); }",
        "interface IA<in T> : IDisposable where T : notnull\n    void B(T b)\n")]
    [InlineData("public enum A : byte { C = 2, B = 4 }", "enum A : byte\n    C = 2\n    B = 4\n")]
    [InlineData("public delegate void A(int? b = null);", "delegate void A(int? b = null)\n")]
    [InlineData("public abstract class A { protected abstract int B(); private protected A() { } }",
        "abstract class A\n    protected abstract int B()\n")]
    [InlineData("public class A { private A() { } public int B { get; private set; } public event Action? C; }",
        "class A\n    int B { get; }\n    event Action? C\n")]
    [InlineData("public class A { private A() { } public class B { private B() { } } internal class C { } }", "class A\n\nclass A.B\n")]
    [InlineData("public static class A { extension(string text) { public int B => 1; } }",
        "static class A\n    extension(string text) int B { get; }\n")]
    [InlineData("public static class A { public static void B(this string text, Unknown? c) { } }",
        "static class A\n    static void B(this string text, Unknown? c)\n")]
    [InlineData("public class A { private A() { } public override string ToString() => \"\"; }", "class A\n")]
    [InlineData("internal class A { public int B; }", "\n")]
    public void A_type_is_listed_as_it_may_be_used(string source, string listing) =>
        Assert.Equal(listing == "\n" ? listing : $"namespace House\n\n{listing}", SurfaceOf(source));

    [Fact]
    public void A_difference_is_shown_with_its_type()
    {
        var before = SurfaceOf("public class A { public int B; public int C; } public class D { public int E; }");
        var after = SurfaceOf("public class A { public int B; public long C; } public class D { public int E; }");
        Assert.Equal(["  class A", "-     int C", "+     long C"], SurfaceDiff.Between(before, after));
    }

    [Fact]
    public void A_new_type_is_shown_with_its_members() => Assert.Equal(
        ["+ class B", "+     int C"],
        SurfaceDiff.Between(SurfaceOf("public class A { public int D; }"),
            SurfaceOf("public class A { public int D; } public class B { public int C; }"))
            .Where(line => !line.EndsWith("()", StringComparison.Ordinal)));

    [Fact]
    public void Equal_listings_have_no_difference() => Assert.Empty(SurfaceDiff.Between("class A\n    int B\n", "class A\n    int B\n"));

    private static string SurfaceOf(string source) => PublicSurface.Of(
        Compilations.Of("House", [SourceFile.Parse("src/House/A.cs", "namespace House;\n" + source)], [], []).Assembly);
}
