namespace EventStore.Conformance.Tests;

/// <summary>Over a correct engine every specification passes through the same harness, so that a failure is meaningful.</summary>
public sealed class SoundnessTests
{
    // These facts take seconds each; only those that catch a broken engine are run.
    private static readonly Type[] Slow =
    [
        typeof(ConcurrencySpecification<>), typeof(ConsumerSpecification<>), typeof(ConsumerDeliverySpecification<>),
        typeof(ConsumerStateSpecification<>), typeof(ConsumerStartSpecification<>), typeof(SetBackSpecification<>),
        typeof(DeliveryModelSpecification<>), typeof(DispatchSpecification<>), typeof(DispatchLeaseSpecification<>),
        typeof(ModelSpecification<>), typeof(PipelineSpecification<>),
    ];

    // The correct engine shares its storage, so the fact about engines that do not is skipped.
    private const string OnlyWhereNotShared = nameof(
        LifecycleSpecification<>.A_second_engine_is_refused_with_a_message_where_storage_is_not_shared_and_the_first_continues);

    public static TheoryData<string> Specifications { get; } = [.. Specimens.Specifications.Select(specification => specification.Name)];

    [Theory, MemberData(nameof(Specifications))]
    public async Task An_unbroken_engine_passes(string name)
    {
        var specification = Specimens.Specifications.Single(type => type.Name == name);
        var facts = Slow.Contains(specification)
            ? Catch.All.Where(meant => meant.Specification == specification).Select(meant => meant.Fact).ToHashSet()
            : null;
        var verdicts = await Trial.RunAsync(specification, typeof(Engines.Sound), facts);
        Assert.All(
            verdicts,
            verdict => Assert.True(
                verdict.Ending == (verdict.Fact == OnlyWhereNotShared ? Ending.Skipped : Ending.Passed), verdict.ToString()));
    }
}
