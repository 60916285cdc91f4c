using EventStore.Architecture.Source;

namespace EventStore.Architecture.Pages;

/// <summary>Keeps the page of promises and the kit that proves them equal.</summary>
public sealed class GuaranteeTests
{
    private const string PagePath = "docs/guarantees.md";

    [Fact]
    public void Every_promise_is_proved_by_the_kit()
    {
        var proved = ProvedGuarantees.In(KitSources());
        Gate.Holds(Page().Promised.Where(number => !proved.ContainsKey(number)).Chunk(10).Select(numbers => string.Join(' ', numbers)),
            $"{PagePath} promises these, but no specification of the kit carries [Guarantee(\"…\")] with their number.");
    }

    [Fact]
    public void Every_proof_of_the_kit_is_promised()
    {
        var page = Page();
        var known = page.Promised.Concat(page.OfBackends).ToHashSet();
        Gate.Holds(ProvedGuarantees.In(KitSources()).Where(proof => !known.Contains(proof.Key))
            .Select(proof => $"{proof.Value} proves {proof.Key}"),
            $"These numbers are not on {PagePath}.");
    }

    [Fact]
    public void Every_promise_has_a_number_of_its_own_without_holes()
    {
        var page = Page();
        var numbers = page.Promised.Concat(page.OfBackends).Select(number => int.Parse(number[1..])).Order().ToList();
        Assert.Equal(Enumerable.Range(1, numbers.Count), numbers);
    }

    [Fact]
    public void A_page_is_read_by_its_lines()
    {
        var page = GuaranteesPage.Parse("# All\n- **G1** One, see G9.\n- **G2** Two.\n\n## Proved by each backend\n\n- **G3** Three.\n");
        Assert.Equal(["G1", "G2"], page.Promised);
        Assert.Equal(["G3"], page.OfBackends);
    }

    [Fact]
    public void A_proof_is_read_from_every_form_of_the_attribute()
    {
        var source = SourceFile.Parse("A.cs", """
            [Guarantee("G1")]
            class A
            {
                [Fact, Guarantee("G2", "G3")] void B() { }
                [EventStore.GuaranteeAttribute("G4")] void C() { }
                [Fact(Skip = "G5")] void D() { }
            }
            """);
        Assert.Equal(["G1", "G2", "G3", "G4"], ProvedGuarantees.In([source]).Keys.Order());
    }

    private static GuaranteesPage Page() => GuaranteesPage.Parse(Repository.Read(PagePath));

    private static IEnumerable<SourceFile> KitSources() =>
        Repository.SourceProjects.Single(project => project.Name == "EventStore.Conformance").Sources;
}
