using EventStore.Architecture.Source;

namespace EventStore.Architecture.Style;

/// <summary>Holds every file to a size that one reads at a sitting, and to text without hidden parts.</summary>
public sealed class StyleTests
{
    [Fact]
    public void Files_stay_under_their_ceiling() => Gate.Holds(
        Repository.ProductSources.SelectMany(Ceilings.TooLongFiles),
        $"A file has at most {Ceilings.FileLines} lines; give its second concept a file of its own.");

    [Fact]
    public void Methods_stay_under_their_ceiling() => Gate.Holds(
        Repository.ProductSources.SelectMany(Ceilings.TooLongMethods),
        $"A method has at most {Ceilings.MethodLines} lines; name a step of it.");

    [Fact]
    public void No_code_is_folded_or_switched_off() => Gate.Holds(
        Repository.AllSources.SelectMany(SourceText.BannedDirectives),
        "#region hides code and #if makes a second program; neither is used here.");

    [Fact]
    public void No_file_has_a_header() => Gate.Holds(
        Repository.AllSources.SelectMany(SourceText.Headers), "A file begins with its code; its purpose stands on its main type.");

    [Fact]
    public void Every_file_says_what_it_is_for() => Gate.Holds(
        Repository.ProductSources.SelectMany(Purposes.Missing), "The first type of a file has a summary, also where it is internal.");

    [Fact]
    public void No_type_is_named_EventStore() => Gate.Holds(
        Repository.AllSources.SelectMany(SourceText.TypesNamedLikeTheProduct), "A type of this name would shadow the namespace.");
}
