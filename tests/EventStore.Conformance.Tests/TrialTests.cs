namespace EventStore.Conformance.Tests;

/// <summary>The harness distinguishes a failure from other results.</summary>
public sealed class TrialTests
{
    [Fact]
    public async Task A_fact_that_is_skipped_is_reported_as_skipped()
    {
        var verdict = Assert.Single(
            await Trial.RunAsync(
                typeof(LifecycleSpecification<>),
                typeof(Engines.PromisesNothing),
                [nameof(LifecycleSpecification<>.Stored_data_exists_after_reopening)]));
        Assert.Equal(Ending.Skipped, verdict.Ending);
    }

    [Fact]
    public async Task A_fact_that_does_not_end_is_reported_as_hanging()
    {
        var verdict = Assert.Single(await Trial.RunAsync(
            typeof(LifecycleSpecification<>),
            typeof(Engines.NeverWakes),
            [nameof(LifecycleSpecification<>.Waiting_ends_at_a_new_commit_at_once_for_a_stored_one_and_after_the_time)],
            TimeSpan.FromMilliseconds(100)));
        Assert.Equal(Ending.Hung, verdict.Ending);
    }

    [Fact]
    public async Task An_exception_that_is_no_assertion_is_reported_as_such()
    {
        var verdict = Assert.Single(
            await Trial.RunAsync(
                typeof(ReadingSpecification<>),
                typeof(Throws),
                [nameof(ReadingSpecification<>.A_stream_that_does_not_exist_reads_as_empty)]));
        Assert.Equal((Ending.Threw, typeof(NotSupportedException)), (verdict.Ending, verdict.Error?.GetType()));
    }

    [Fact]
    public async Task Every_row_of_a_theory_is_run()
    {
        var verdicts = await Trial.RunAsync(
            typeof(HeadSpecification<>),
            typeof(Engines.Sound),
            [nameof(HeadSpecification<>.Heads_are_listed_in_code_point_order_by_pages_of_any_size)]);
        Assert.Equal(3, verdicts.Select(verdict => verdict.Fact).Distinct().Count());
    }

    [Fact]
    public async Task A_fact_that_is_not_there_is_an_error() =>
        await Assert.ThrowsAsync<InvalidOperationException>(
            () => Trial.RunAsync(typeof(HeadSpecification<>), typeof(Engines.Sound), ["Nothing_of_this_name"]));

    private sealed class Throws(IPersistenceEngine inner) : DelegatingEngine(inner)
    {
        public override ValueTask<StreamPage> ReadStreamAsync(StreamRead read, CancellationToken cancellationToken = default) =>
            throw new NotSupportedException();
    }
}
