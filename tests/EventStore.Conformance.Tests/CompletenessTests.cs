using Xunit.Sdk;

namespace EventStore.Conformance.Tests;

/// <summary>The only specification of this backend.</summary>
public sealed class TheOnlyOne : HeadSpecification<PartialBackend>;

/// <summary>A backend whose tests leave out all specifications but one.</summary>
public sealed class PartialBackend : IBackend
{
    private readonly Storage<Engines.Sound> storage = new();

    public ValueTask<IPersistenceEngine> OpenAsync(EngineContext context) => storage.OpenAsync(context);

    public ValueTask DisposeAsync() => storage.DisposeAsync();
}

/// <summary>Completeness detects missing specifications, and exemptions without a reason.</summary>
public sealed class CompletenessTests
{
    private static readonly Type[] Left =
        [.. CompletenessSpecification<PartialBackend>.All().Where(specification => specification != typeof(HeadSpecification<>))];

    [Fact]
    public void A_specification_that_is_run_or_exempt_with_a_reason_is_complete() =>
        Check(Left.ToDictionary(specification => specification, _ => "Not asked of this backend."));

    [Fact]
    public void A_missing_specification_fails_and_is_named()
    {
        var exemptions = Left.Where(specification => specification != typeof(CommitSpecification<>)).ToDictionary(
            specification => specification, _ => "Not asked of this backend.");
        var failure = Assert.ThrowsAny<XunitException>(() => Check(exemptions));
        Assert.Contains("left out: CommitSpecification.", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_missing_specification_is_named()
    {
        var failure = Assert.ThrowsAny<XunitException>(() => Check([]));
        Assert.All(Left, specification => Assert.Contains(specification.Name[..^2], failure.Message, StringComparison.Ordinal));
        Assert.DoesNotContain("HeadSpecification", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    public void An_exemption_without_a_reason_fails_and_is_named(string reason)
    {
        var exemptions = Left.ToDictionary(
            specification => specification,
            specification => specification == typeof(ModelSpecification<>) ? reason : "Not asked of this backend.");
        var failure = Assert.ThrowsAny<XunitException>(() => Check(exemptions));
        Assert.Contains("ModelSpecification is left out without a reason", failure.Message, StringComparison.Ordinal);
    }

    private static void Check(Dictionary<Type, string> exemptions) =>
        new Checked(exemptions).Every_specification_of_the_kit_is_run_or_exempt_with_a_reason();

    private sealed class Checked(Dictionary<Type, string> exemptions) : CompletenessSpecification<PartialBackend>
    {
        protected override IReadOnlyDictionary<Type, string> Exemptions => exemptions;
    }
}
