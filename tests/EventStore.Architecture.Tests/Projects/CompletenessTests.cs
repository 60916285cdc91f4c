using EventStore.Architecture.Source;

namespace EventStore.Architecture.Projects;

/// <summary>Keeps every backend's tests whole: a project that uses the kit lets it check that no specification is left out.</summary>
public sealed class CompletenessTests
{
    private const string Kit = "EventStore.Conformance";

    [Fact]
    public void Every_backend_test_project_has_a_completeness_class()
    {
        // The kit's own tests derive from specifications to see them fail.
        var incomplete = Repository.AllProjects
            .Where(project => project.Projects.Contains(Kit) && project.Name != Kit + ".Tests")
            .Where(project => Completeness.IsMissing(project.Sources));
        Gate.Holds(incomplete.Select(project => project.FilePath),
            "These projects derive from specifications, but not from CompletenessSpecification<…>.");
    }

    [Theory]
    [InlineData("class A : AppendSpecification<Backend>;", true)]
    [InlineData("class A(Backend b) : EventStore.Conformance.AppendSpecification<Backend>(b);", true)]
    [InlineData("class A : AppendSpecification<Backend>; class B : CompletenessSpecification<Backend>;", false)]
    [InlineData("class A : Fixture<Backend>;", false)]
    public void A_missing_completeness_class_is_seen(string text, bool isMissing) =>
        Assert.Equal(isMissing, Completeness.IsMissing([SourceFile.Parse("tests/A.cs", text)]));
}
