using Akka.Actor;
using Akka.Persistence;

namespace AkkaPersistence.Tests;

/// <summary>A persistent actor that remembers its events, and does what a test asks for.</summary>
internal sealed class Recorder(string id) : UntypedPersistentActor
{
    private readonly List<string> events = [];
    private IActorRef asker = ActorRefs.Nobody;

    public override string PersistenceId => id;

    protected override void OnRecover(object message)
    {
        if (message is SnapshotOffer offer) events.AddRange((string[])offer.Snapshot);
        if (message is string recovered) events.Add(recovered);
    }

    protected override void OnCommand(object message)
    {
        switch (message)
        {
            case PersistAll command:
                var left = command.Events.Length;
                PersistAll(command.Events, persisted =>
                {
                    events.Add(persisted);
                    if (--left == 0) Sender.Tell(LastSequenceNr);
                });
                break;
            case GetEvents:
                Sender.Tell(events.ToArray());
                break;
            case TakeSnapshot:
                asker = Sender;
                SaveSnapshot(events.ToArray());
                break;
            case DeleteTo command:
                asker = Sender;
                DeleteMessages(command.SequenceNr);
                break;
            default:
                asker.Tell(message);
                break;
        }
    }

    public sealed record PersistAll(params string[] Events);

    public sealed record GetEvents;

    public sealed record TakeSnapshot;

    public sealed record DeleteTo(long SequenceNr);
}

/// <summary>What tests ask a <see cref="Recorder"/> for.</summary>
internal static class RecorderCalls
{
    public static Task<long> PersistAsync(this IActorRef recorder, params string[] events) =>
        recorder.Ask<long>(new Recorder.PersistAll(events), TestSystem.Patience);

    public static Task<string[]> EventsAsync(this IActorRef recorder) =>
        recorder.Ask<string[]>(new Recorder.GetEvents(), TestSystem.Patience);

    public static Task SnapshotAsync(this IActorRef recorder) =>
        recorder.Ask<SaveSnapshotSuccess>(new Recorder.TakeSnapshot(), TestSystem.Patience);

    public static Task DeleteAsync(this IActorRef recorder, long to) =>
        recorder.Ask<DeleteMessagesSuccess>(new Recorder.DeleteTo(to), TestSystem.Patience);

    public static Task StopAsync(this IActorRef recorder) => recorder.GracefulStop(TestSystem.Patience);
}
