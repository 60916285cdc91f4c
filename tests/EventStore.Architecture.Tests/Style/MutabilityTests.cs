using EventStore.Architecture.Source;

namespace EventStore.Architecture.Style;

/// <summary>Keeps the product from blocking on asynchronous work and from changing what is constructed.</summary>
public sealed class MutabilityTests
{
    [Fact]
    public void Nothing_blocks_on_asynchronous_work() => Gate.Holds(
        Repository.ProductSources.SelectMany(Waits.Blocking),
        "Await the work; read Result only after a check for completion in the same member.");

    [Fact]
    public void Nothing_is_set_after_construction() => Gate.Holds(
        Repository.AllSources.SelectMany(Setters.Open),
        "A property is set by a constructor, an initializer or its own type; only *Options have setters.");

    [Fact]
    public void No_null_is_declared_not_to_be_null() => Gate.Holds(
        Repository.AllSources.SelectMany(Setters.NullClaims), "Pass the value to the constructor, or declare it nullable.");

    [Theory]
    [InlineData("int M() => F().GetAwaiter().GetResult();", 1)]
    [InlineData("int M() => F().ConfigureAwait(false).GetAwaiter().GetResult();", 1)]
    [InlineData("void M() => F().Wait();", 1)]
    [InlineData("void M() => gate.Wait(TimeSpan.Zero);", 1)]
    [InlineData("int M(Task<int> work) => work.Result;", 1)]
    [InlineData("int M(Task<int> work, Task<int> other) => other.IsCompleted ? work.Result : 0;", 1)]
    [InlineData("int M(Task<int> work) => work.IsCompletedSuccessfully ? work.Result : 0;", 0)]
    [InlineData("\n#pragma warning disable RS0030\nint a;\n#pragma warning restore RS0030\n", 1)]
    [InlineData("\n#pragma warning disable CA1000\nint a;\n", 0)]
    [InlineData("async Task M() => await F();", 0)]
    [InlineData("async Task M() => await gate.WaitAsync();", 0)]
    public void A_blocking_wait_is_seen(string member, int count) => Assert.Equal(count, Waits.Blocking(Class("A", member)).Count());

    [Theory]
    [InlineData("A", "public int P { get; set; }", 1)]
    [InlineData("A", "public int P { get; internal set; }", 1)]
    [InlineData("A", "int P { get => p; set => p = value; }", 1)]
    [InlineData("A", "public int this[int i] { get => i; set { } }", 1)]
    [InlineData("A", "public int P { get; init; }", 0)]
    [InlineData("A", "public int P { get; private set; }", 0)]
    [InlineData("A", "private int P { get; set; }", 0)]
    [InlineData("AOptions", "public int P { get; set; }", 0)]
    [InlineData("A", "internal class B { public int P { get; set; } }", 1)]
    public void An_open_setter_is_seen(string type, string member, int count) =>
        Assert.Equal(count, Setters.Open(Class(type, member)).Count());

    [Theory]
    [InlineData("string p = null!;", 1)]
    [InlineData("T p = default!;", 1)]
    [InlineData("T p = default(T)!;", 1)]
    [InlineData("string p = q!;", 0)]
    [InlineData("string? p = null;", 0)]
    [InlineData("void M() => F(null!);", 1)]
    public void A_claim_about_null_is_seen(string member, int count) => Assert.Equal(count, Setters.NullClaims(Class("A", member)).Count());

    [Theory]
    [InlineData("private Server server = null!;", 1)]
    [InlineData("void M() => F(null!);", 0)]
    [InlineData("Dictionary<string, string> a = new() { [\"a\"] = null! };", 0)]
    public void A_claim_of_a_test_is_seen_but_in_what_it_passes(string member, int count) => Assert.Equal(
        count, Setters.NullClaims(SourceFile.Parse("tests/A.cs", $"internal class A {{ {member} }}")).Count());

    private static SourceFile Class(string name, string member) =>
        SourceFile.Parse("src/House/A.cs", $"public class {name} {{ {member} }}");
}
