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
        typeof(ModelSpecification<>), typeof(PipelineSpecification<>), typeof(ConsumerLifeSpecification<>), typeof(OutageSpecification<>),
    ];

    // The correct engine shares its storage, has no older storage to be set back to, and a limit that tags alone do not reach.
    private static readonly string[] Skipped =
    [
        nameof(LifecycleSpecification<>.A_second_engine_is_refused_with_a_message_where_storage_is_not_shared_and_the_first_continues),
        nameof(LifecycleSpecification<>.Storage_that_was_set_back_is_reported_and_nothing_is_skipped),
        nameof(TagSpecification<>.Tags_count_in_the_size_of_a_commit),
    ];

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
                verdict.Ending == (Skipped.Contains(verdict.Fact) ? Ending.Skipped : Ending.Passed), verdict.ToString()));
    }
}
