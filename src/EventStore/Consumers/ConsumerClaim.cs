using EventStore.Diagnostics;
using EventStore.Leases;

namespace EventStore.Consumers;

/// <summary>A name that a consumer of this process has taken: the lease of its document, and what is reported under the name.</summary>
internal sealed class ConsumerClaim(
    ConsumerDefinition definition, Lease<ConsumerRecord> lease, ConsumerReport report, Action<string> release) : IDisposable
{
    public string Name => definition.Name;

    public ConsumerDefinition Definition => definition;

    public ConsumerOptions Options => definition.Options;

    public Lease<ConsumerRecord> Lease => lease;

    public ConsumerReport Report => report;

    public TimeProvider Time => lease.Time;

    /// <summary>Frees the name for another consumer of this process.</summary>
    public void Dispose() => release(definition.Name);
}
