using Xunit;

namespace EventStore.Conformance;

public abstract class DeliveryModelSpecification<TBackend> : ConsumerFacts<TBackend> where TBackend : IBackend, new()
{
    [Fact] public void X() { }
}
