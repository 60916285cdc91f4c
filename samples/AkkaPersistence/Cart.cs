using Akka.Persistence;
using Akka.Persistence.Journal;

namespace AkkaPersistence;

/// <summary>Adds a product to a cart. The reply is the number of its products.</summary>
public sealed record AddProduct(string Product);

/// <summary>A product was added to a cart.</summary>
public sealed record ProductAdded(string Product);

/// <summary>A persistent actor: a cart, which keeps a snapshot instead of every fifth event and those before it.</summary>
public sealed class Cart : ReceivePersistentActor
{
    private readonly List<string> products = [];

    /// <summary>Creates the actor, which then recovers.</summary>
    /// <param name="id">The cart.</param>
    public Cart(string id)
    {
        PersistenceId = id;
        Recover<SnapshotOffer>(offer => products.AddRange((string[])offer.Snapshot));
        Recover<ProductAdded>(added => products.Add(added.Product));
        Command<AddProduct>(command => Persist(
            new Tagged(new ProductAdded(command.Product), [$"product:{command.Product}"]),
            _ =>
            {
                products.Add(command.Product);
                if (products.Count % 5 == 0) SaveSnapshot(products.ToArray());
                Sender.Tell(products.Count, Self);
            }));
        Command<SaveSnapshotSuccess>(saved =>
        {
            DeleteMessages(saved.Metadata.SequenceNr);
            DeleteSnapshots(new SnapshotSelectionCriteria(saved.Metadata.SequenceNr - 1));
        });
        Command<DeleteMessagesSuccess>(_ => { });
        Command<DeleteSnapshotsSuccess>(_ => { });
    }

    /// <inheritdoc/>
    public override string PersistenceId { get; }
}
