using System.Collections.Immutable;
using Akka.Actor;
using Akka.Persistence;

namespace AkkaPersistence.Tests;

/// <summary>Calls of the journal as a persistent actor makes them.</summary>
internal sealed class JournalCalls(ActorSystem system)
{
    /// <summary>A write of some payloads from a sequence number on.</summary>
    public static AtomicWrite Write(string persistenceId, long from, params object[] payloads) => new(
        payloads.Select((payload, i) => (IPersistentRepresentation)new Persistent(payload, from + i, persistenceId, writerGuid: "writer"))
            .ToImmutableList());

    /// <summary>The reply to a batch, and that to each of its messages.</summary>
    public async Task<(object Batch, List<object> Messages)> WriteAsync(params AtomicWrite[] writes)
    {
        using var inbox = Inbox.Create(system);
        Plugin.Tell(new WriteMessages(writes, inbox.Receiver, 1));
        var batch = await inbox.ReceiveAsync(TestSystem.Patience);
        var messages = new List<object>();
        foreach (var _ in writes.SelectMany(write => Enumerable.Range(0, write.Size)))
            messages.Add(await inbox.ReceiveAsync(TestSystem.Patience));
        return (batch, messages);
    }

    /// <summary>The highest sequence number, and the messages in a range.</summary>
    public async Task<(long Highest, List<IPersistentRepresentation> Messages)> ReplayAsync(
        string persistenceId, long from = 0, long to = long.MaxValue, long max = long.MaxValue)
    {
        using var inbox = Inbox.Create(system);
        Plugin.Tell(new ReplayMessages(from, to, max, persistenceId, inbox.Receiver));
        var messages = new List<IPersistentRepresentation>();
        while (true)
        {
            switch (await inbox.ReceiveAsync(TestSystem.Patience))
            {
                case ReplayedMessage replayed:
                    messages.Add(replayed.Persistent);
                    break;
                case RecoverySuccess success:
                    return (success.HighestSequenceNr, messages);
                case ReplayMessagesFailure failure:
                    throw failure.Cause;
                case var other:
                    throw new InvalidOperationException($"{other}");
            }
        }
    }

    public async Task DeleteAsync(string persistenceId, long to)
    {
        using var inbox = Inbox.Create(system);
        Plugin.Tell(new DeleteMessagesTo(persistenceId, to, inbox.Receiver));
        Assert.IsType<DeleteMessagesSuccess>(await inbox.ReceiveAsync(TestSystem.Patience));
    }

    private IActorRef Plugin => Persistence.Instance.Apply(system).JournalFor(null);
}
