using EventStore.Architecture.Source;

namespace EventStore.Architecture.Style;

/// <summary>Keeps constructors small: more parameters than the ceiling are a concept without a name.</summary>
public sealed class ConstructorTests
{
    private const string Five = "int A, int B, int C, int D, int E";

    [Fact]
    public void Constructors_take_few_parameters() => Gate.Holds(
        Repository.ProductSources.SelectMany(Constructors.TooManyParameters),
        $"A constructor takes at most {Constructors.Parameters} parameters; give those that belong together a type.");

    [Theory]
    [InlineData($"class A({Five});", 1)]
    [InlineData($"struct A({Five});", 1)]
    [InlineData($"class A {{ private A({Five}) {{ }} }}", 1)]
    [InlineData("class A(int A, int B, int C, int D);", 0)]
    [InlineData($"class TooLateException({Five}) : Exception;", 0)]
    [InlineData($"record A({Five});", 0)]
    [InlineData($"readonly record struct A({Five}) {{ public int Sum => A + B; public int Twice() => 2 * A; }}", 0)]
    [InlineData($"record A({Five}) {{ private int seen; }}", 1)]
    [InlineData($"record A({Five}) {{ public static readonly A None = new(0, 0, 0, 0, 0); public void Require(int a) {{ }} }}", 0)]
    [InlineData($"record A({Five}) {{ public ValueTask RunAsync() => default; }}", 1)]
    [InlineData($"record A({Five}) {{ public async void Run() {{ }} }}", 1)]
    [InlineData($"record A({Five}) {{ public static Task<A> FindAsync() => default; }}", 0)]
    [InlineData($"record A {{ public A({Five}) {{ }} }}", 1)]
    public void A_constructor_with_too_many_parameters_is_seen(string text, int count) =>
        Assert.Equal(count, Constructors.TooManyParameters(SourceFile.Parse("src/House/A.cs", text)).Count());

    [Theory]
    [InlineData("src/EventStore.Abstractions/A.cs", "public", "E", 0)]
    [InlineData("src/EventStore.Abstractions/A.cs", "public", "F", 1)]
    [InlineData("src/EventStore.Abstractions/A.cs", "internal", "E", 1)]
    [InlineData("src/EventStore/A.cs", "public", "E", 1)]
    public void Data_of_the_abstractions_is_exempt_where_its_parameters_are_its_properties(
        string path, string access, string last, int count)
    {
        var properties = string.Concat(new[] { "A", "B", "C", "D", last }.Select(name => $"public int {name} {{ get; }} "));
        var text = $"{access} class Data {{ public Data(int a, int b, int c, int d, int e) {{ }} {properties} }}";
        Assert.Equal(count, Constructors.TooManyParameters(SourceFile.Parse(path, text)).Count());
    }
}
