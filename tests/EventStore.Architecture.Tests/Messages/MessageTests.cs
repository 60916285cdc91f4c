using EventStore.Architecture.Source;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace EventStore.Architecture.Messages;

/// <summary>Reads every message of every exception, and every template of a log message, as the sources have them.</summary>
public sealed class MessageTests
{
    private static readonly Lazy<IReadOnlyList<Message>> All = new(() =>
    [
        .. Repository.SourceProjects.Where(project => project.Name != "EventStore.Conformance")
            .SelectMany(project => Message.In(Compilations.Of(project), project.Sources)),
    ]);

    [Fact]
    public void There_are_messages() => Assert.InRange(All.Value.Count, 200, 5000);

    [Fact]
    public void No_message_contradicts_itself() => Gate.Holds(
        All.Value.Where(MessageRules.IsContradictory).Select(message => $"{message.Place}: {message.Text}"),
        "Either nothing was stored, or it is unknown.");

    [Fact]
    public void No_message_takes_over_the_text_of_something_foreign() => Gate.Holds(
        All.Value.SelectMany(MessageRules.ForeignTexts),
        "The text of a driver or of an application may show values, addresses and secrets; name its type, and pass it as inner exception.");

    [Fact]
    public void No_message_shows_a_name_as_it_was_given() => Gate.Holds(
        All.Value.SelectMany(MessageRules.RawNames), "A name may contain line ends: show it with Names.Printable.");

    [Fact]
    public void No_message_shows_a_secret() => Gate.Holds(
        All.Value.SelectMany(MessageRules.Secrets), "No body, header, key or connection string stands in a message.");

    [Fact]
    public void Every_public_exception_has_its_place_in_the_guide_to_which_it_links()
    {
        var page = Repository.Read("docs/troubleshooting.md");
        Gate.Holds(
            from source in Repository.ProductSources
            from type in source.Root.DescendantNodes().OfType<ClassDeclarationSyntax>()
            where type.Identifier.Text.EndsWith("Exception", StringComparison.Ordinal)
            where type.Modifiers.ToString().Contains("public", StringComparison.Ordinal)
            where !type.Modifiers.ToString().Contains("abstract", StringComparison.Ordinal)
            where !page.Contains($"<a id=\"{type.Identifier.Text.ToLowerInvariant()}\">", StringComparison.Ordinal)
            select source.PlaceOf(type),
            "Each exception links to its row in docs/troubleshooting.md.");
    }

    [Theory]
    [InlineData("new InvalidOperationException(\"It is stored once or not at all. \" + \"Nothing was stored.\")", true)]
    [InlineData("new BatchOutcomeUnknownException($\"{a} failed. Nothing was written.\")", true)]
    [InlineData("new InvalidOperationException(\"Nothing was stored. Try again.\")", false)]
    [InlineData("new BatchOutcomeUnknownException(\"the connection was lost.\")", false)]
    public void A_contradiction_is_seen(string expression, bool isSeen) =>
        Assert.Equal(isSeen, Of(expression).Any(MessageRules.IsContradictory));

    [Theory]
    [InlineData("new InvalidOperationException($\"It failed: {driver.Message}\")", 1)]
    [InlineData("new BatchOutcomeUnknownException(own.Message)", 1)]
    [InlineData("new InvalidOperationException(system.Message)", 0)]
    [InlineData("new InvalidOperationException($\"It failed: {own.Message}\")", 0)]
    [InlineData("new InvalidOperationException($\"It failed with {driver.GetType().Name}\")", 0)]
    public void A_foreign_text_is_seen(string expression, int count) =>
        Assert.Equal(count, Of(expression).SelectMany(MessageRules.ForeignTexts).Distinct().Count());

    [Theory]
    [InlineData("new InvalidOperationException($\"No '{name}'\")", 1, 0)]
    [InlineData("new InvalidOperationException($\"No '{Show(name)}'\")", 0, 0)]
    [InlineData("new InvalidOperationException($\"No '{typeof(int).Name}'\")", 0, 0)]
    [InlineData("new InvalidOperationException($\"No '{password}'\")", 0, 1)]
    [InlineData("new InvalidOperationException($\"{password.Length}\")", 0, 0)]
    public void A_raw_name_and_a_secret_are_seen(string expression, int names, int secrets)
    {
        var messages = Of(expression).ToList();
        Assert.Equal(
            (names, secrets), (messages.SelectMany(MessageRules.RawNames).Count(), messages.SelectMany(MessageRules.Secrets).Count()));
    }

    private static IEnumerable<Message> Of(string expression)
    {
        var source = SourceFile.Parse("src/House/A.cs", $$"""
            namespace EventStore.House;
            class OwnException : Exception { }
            class BatchOutcomeUnknownException : Exception { public BatchOutcomeUnknownException(string why) : base(why) { } }
            class A
            {
                string Show(string text) => text;
                Exception M(string a, string name, string password, FormatException driver, OwnException own, IOException system) =>
                    {{expression}};
            }
            """);
        CSharpCompilation compilation = Compilations.Of("House", [source], [], []);
        return Message.In(compilation, [source]).Where(message => message.Text.Length > 0 || message.Shown.Count > 0);
    }
}
