using Akka.Actor;
using Akka.Persistence;

namespace AkkaPersistence.Tests;

/// <summary>Calls of the snapshot store as a persistent actor makes them.</summary>
internal sealed class SnapshotCalls(ActorSystem system)
{
    public async Task<SnapshotMetadata> SaveAsync(string persistenceId, long sequenceNr, object state, DateTime timestamp) =>
        Assert.IsType<SaveSnapshotSuccess>(
            await AskAsync(new SaveSnapshot(new SnapshotMetadata(persistenceId, sequenceNr, timestamp), state))).Metadata;

    public async Task<SelectedSnapshot?> LoadAsync(string persistenceId, SnapshotSelectionCriteria? criteria = null) =>
        Assert.IsType<LoadSnapshotResult>(
            await AskAsync(new LoadSnapshot(persistenceId, criteria ?? SnapshotSelectionCriteria.Latest, long.MaxValue))).Snapshot;

    public async Task DeleteAsync(SnapshotMetadata metadata) =>
        Assert.IsType<DeleteSnapshotSuccess>(await AskAsync(new DeleteSnapshot(metadata)));

    public async Task DeleteAsync(string persistenceId, SnapshotSelectionCriteria criteria) =>
        Assert.IsType<DeleteSnapshotsSuccess>(await AskAsync(new DeleteSnapshots(persistenceId, criteria)));

    private Task<object> AskAsync(object message) =>
        Persistence.Instance.Apply(system).SnapshotStoreFor(null).Ask<object>(message, TestSystem.Patience);
}
