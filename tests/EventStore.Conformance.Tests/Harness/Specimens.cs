using System.Reflection;

namespace EventStore.Conformance.Tests.Harness;

/// <summary>Every specification of the kit, ready to be run over any backend.</summary>
internal static class Specimens
{
    /// <summary>The specifications of the kit that run over an engine, as open generic types.</summary>
    public static IReadOnlyList<Type> Specifications { get; } =
    [
        .. CompletenessSpecification<Storage<Engines.Sound>>.All().Where(
            specification => specification != typeof(CompletenessSpecification<>)),
    ];

    /// <summary>Creates a specification, given as an open generic type, over a backend.</summary>
    public static Type Make(Type specification, Type backend)
    {
        var specimen = typeof(Specimens).GetNestedTypes(BindingFlags.NonPublic).SingleOrDefault(
            nested => nested.IsGenericTypeDefinition && nested.BaseType!.GetGenericTypeDefinition() == specification)
            ?? throw new InvalidOperationException($"{specification.Name} is not among the specimens. Add a class that derives from it.");
        return specimen.MakeGenericType(backend);
    }

    private sealed class Conditions<T> : ConditionSpecification<T> where T : IBackend, new();

    private sealed class Decisions<T> : DecisionSpecification<T> where T : IBackend, new();

    private sealed class Imports<T> : ImportSpecification<T> where T : IBackend, new();

    private sealed class Importing<T> : ImportingSpecification<T> where T : IBackend, new();

    private sealed class Mirrors<T> : MirrorSpecification<T> where T : IBackend, new();

    private sealed class StreamLives<T> : StreamLifeSpecification<T> where T : IBackend, new();

    private sealed class Tags<T> : TagSpecification<T> where T : IBackend, new();

    private sealed class Truncations<T> : TruncationSpecification<T> where T : IBackend, new();

    private sealed class Units<T> : UnitSpecification<T> where T : IBackend, new();

    private sealed class Commits<T> : CommitSpecification<T> where T : IBackend, new();

    private sealed class Concurrency<T> : ConcurrencySpecification<T> where T : IBackend, new();

    private sealed class Consumers<T> : ConsumerSpecification<T> where T : IBackend, new();

    private sealed class ConsumerDeliveries<T> : ConsumerDeliverySpecification<T> where T : IBackend, new();

    private sealed class ConsumerStates<T> : ConsumerStateSpecification<T> where T : IBackend, new();

    private sealed class ConsumerLives<T> : ConsumerLifeSpecification<T> where T : IBackend, new();

    private sealed class Outages<T> : OutageSpecification<T> where T : IBackend, new();

    private sealed class ConsumerStarts<T> : ConsumerStartSpecification<T> where T : IBackend, new();

    private sealed class SetBacks<T> : SetBackSpecification<T> where T : IBackend, new();

    private sealed class DeliveryModels<T> : DeliveryModelSpecification<T> where T : IBackend, new();

    private sealed class ReadStreams<T> : ReadStreamSpecification<T> where T : IBackend, new();

    private sealed class Protection<T> : ProtectionSpecification<T> where T : IBackend, new();

    private sealed class ReadOnly<T> : ReadOnlySpecification<T> where T : IBackend, new();

    private sealed class Deletion<T> : DeletionSpecification<T> where T : IBackend, new();

    private sealed class Dispatching<T> : DispatchSpecification<T> where T : IBackend, new();

    private sealed class DispatchLeases<T> : DispatchLeaseSpecification<T> where T : IBackend, new();

    private sealed class Documents<T> : DocumentSpecification<T> where T : IBackend, new();

    private sealed class Filters<T> : FilterSpecification<T> where T : IBackend, new();

    private sealed class Heads<T> : HeadSpecification<T> where T : IBackend, new();

    private sealed class Identity<T> : IdentitySpecification<T> where T : IBackend, new();

    private sealed class Lifecycle<T> : LifecycleSpecification<T> where T : IBackend, new();

    private sealed class Model<T> : ModelSpecification<T> where T : IBackend, new();

    private sealed class Payloads<T> : PayloadSpecification<T> where T : IBackend, new();

    private sealed class Pipelines<T> : PipelineSpecification<T> where T : IBackend, new();

    private sealed class Reading<T> : ReadingSpecification<T> where T : IBackend, new();

    private sealed class Snapshots<T> : SnapshotSpecification<T> where T : IBackend, new();

    private sealed class Streams<T> : StreamSpecification<T> where T : IBackend, new();
}
