using System.Collections.Concurrent;
using EventStore.Diagnostics;
using Microsoft.Extensions.Logging;

namespace EventStore.Consumers;

/// <summary>The consumers of this process, one for each name. They are stopped with the store.</summary>
internal sealed class RunningConsumers(ConsumerDocuments documents, Telemetry telemetry, ILogger logger) : IAsyncDisposable
{
    // A name is present without a consumer while the consumer is being started.
    private readonly ConcurrentDictionary<string, RunningConsumer?> running = new(StringComparer.Ordinal);

    /// <exception cref="ConsumerTakenException">A consumer of this name runs in this process.</exception>
    public void RequireFree(string name)
    {
        if (running.ContainsKey(name)) throw TakenHere(name);
    }

    /// <summary>Takes a name in this process, and starts the consumer under it.</summary>
    /// <exception cref="ConsumerTakenException">A consumer of this name runs, here or in another process.</exception>
    public async ValueTask<TConsumer> StartAsync<TConsumer>(
        ConsumerDefinition definition, Func<ConsumerClaim, TConsumer> make, CancellationToken cancellationToken)
        where TConsumer : RunningConsumer
    {
        if (!running.TryAdd(definition.Name, null)) throw TakenHere(definition.Name);
        var report = new ConsumerReport(definition.Name, telemetry.LagOf(definition.Name), logger);
        var lease = documents.LeaseOf(definition.Name, definition.Options);
        var consumer = make(new ConsumerClaim(definition, lease, report, name => running.TryRemove(name, out _)));
        try
        {
            await consumer.StartAsync(cancellationToken).ConfigureAwait(false);
            running[definition.Name] = consumer;
            return consumer;
        }
        catch
        {
            await consumer.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var consumer in running.Values.ToArray())
        {
            if (consumer is not null) await consumer.DisposeAsync().ConfigureAwait(false);
        }
    }

    private static ConsumerTakenException TakenHere(string name) => new(name, "it runs in this process.");
}
