using System.Runtime.CompilerServices;
using EventStore.Feeds;
using EventStore.Pipeline;

namespace EventStore.Consumers;

/// <summary>The application's access to consumers: checks what it asks for, and starts, lists and deletes consumers.</summary>
internal sealed class ConsumerHost(RunningConsumers running, ConsumerDocuments documents, EventFeeds feeds, EventCodec states) : IConsumers
{
    public async ValueTask<IConsumer> StartAsync(
        string name,
        ConsumerSource source,
        Func<CommittedEvent, CancellationToken, ValueTask> handle,
        ConsumerOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(handle);
        return await StartAsync(Define(name, source, options, MakePump), cancellationToken).ConfigureAwait(false);

        IPump MakePump(PumpContext context) => context.Options.Parallelism == 1
            ? new DelegatePump(context, handle)
            : new UnitPump(context, (events, token) => handle(events[0], token), unitSize: 1);
    }

    public async ValueTask<IConsumer> StartBatchesAsync(
        string name,
        ConsumerSource source,
        Func<IReadOnlyList<CommittedEvent>, CancellationToken, ValueTask> handle,
        ConsumerOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(handle);
        var definition = Define(name, source, options, context => new UnitPump(context, handle, context.Options.BatchSize));
        return await StartAsync(definition, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<IConsumer<TState>> StartAsync<TState>(
        string name,
        ConsumerSource source,
        Projection<TState> projection,
        ConsumerOptions? options = null,
        CancellationToken cancellationToken = default)
        where TState : class
    {
        ArgumentNullException.ThrowIfNull(projection);
        if (options is { Parallelism: > 1 })
            OptionRules.Require(options, false, options.Parallelism, "1 for a consumer with a state", nameof(options.Parallelism));

        IPump MakePump(PumpContext context) => new ProjectionPump<TState>(context, name, projection);
        var definition = Define(name, source, options, MakePump) with { State = new ProjectedState<TState>(name, projection, states) };
        return await running.StartAsync(
            definition, claim => new StatefulConsumer<TState>(claim, feeds), cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<IPullConsumer> OpenAsync(
        string name, ConsumerSource source, ConsumerOptions? options = null, CancellationToken cancellationToken = default)
    {
        var events = new PulledEvents((options ?? new ConsumerOptions()).Validated().Window);
        var definition = Define(name, source, options, context => new PullPump(context, events));
        return await running.StartAsync(
            definition, claim => new PullConsumer(claim, feeds, events), cancellationToken).ConfigureAwait(false);
    }

    public async IAsyncEnumerable<CommittedEvent> SubscribeAsync(
        ConsumerSource source, ConsumerStart startFrom = default, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        if (!Fits(startFrom, source))
            throw new ArgumentException(
                $"ConsumerStart.AfterRevision({startFrom.Revision}) is a revision of one stream, but the source has many. "
                + "Start AfterCheckpoint, or consume one stream.",
                nameof(startFrom));
        var poll = new ConsumerOptions().PollInterval;
        const string Reader = "subscription";
        var origin = await feeds.FindOriginAsync(Reader, source, startFrom, cancellationToken).ConfigureAwait(false);
        var position = await feeds.FindStartAsync(origin, cancellationToken).ConfigureAwait(false);
        var feed = feeds.Open(new FeedRequest(Reader, source, origin));
        while (true)
        {
            feeds.ThrowIfEnded();
            var page = await feed.ReadAsync(position, cancellationToken).ConfigureAwait(false);
            for (var i = 0; i < page.Events.Count; i++)
            {
                feeds.ThrowIfEnded();
                yield return page.Events[i].Committed;
            }

            position = page.Position;
            cancellationToken.ThrowIfCancellationRequested();
            if (page.IsEnd) await feeds.WaitForCommitsAsync(position, poll, cancellationToken).ConfigureAwait(false);
        }
    }

    public async ValueTask<bool> DeleteAsync(string name, CancellationToken cancellationToken = default)
    {
        RequireName(name);
        running.RequireFree(name);
        return await documents.DeleteAsync(name, cancellationToken).ConfigureAwait(false);
    }

    public async IAsyncEnumerable<string> ListAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        feeds.ThrowIfEnded();
        await foreach (var name in documents.ListAsync(cancellationToken).ConfigureAwait(false))
        {
            feeds.ThrowIfEnded();
            yield return name;
        }
    }

    private async ValueTask<IConsumer> StartAsync(ConsumerDefinition definition, CancellationToken cancellationToken) =>
        await running.StartAsync(definition, claim => new RunningConsumer(claim, feeds), cancellationToken).ConfigureAwait(false);

    private ConsumerDefinition Define(string name, ConsumerSource source, ConsumerOptions? options, Func<PumpContext, IPump> makePump)
    {
        RequireName(name);
        ArgumentNullException.ThrowIfNull(source);
        var validated = (options ?? new ConsumerOptions()).Validated();
        OptionRules.Require(
            validated, Fits(validated.StartFrom, source), $"a revision ({validated.StartFrom.Revision})",
            "Origin, Current or AfterCheckpoint, unless one stream or read stream is consumed", nameof(validated.StartFrom));
        return new ConsumerDefinition(name, source, validated, makePump);
    }

    private void RequireName(string name)
    {
        feeds.ThrowIfEnded();
        Names.RequireFeature(name, nameof(name));
    }

    // A revision is a place in one sequence; the store, a bucket and a category have none.
    private static bool Fits(ConsumerStart start, ConsumerSource source) =>
        start.Revision == Revision.None || source.Stream is not null || source.ReadStream is not null;
}
