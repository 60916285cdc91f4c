using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Blocks;

public record ItemAdded(string Product, int Count);

public record ItemsAdded(IReadOnlyList<string> Products, int Count);

public record OrderPaid(decimal Amount);

public record Sales(int Orders, decimal Revenue);

public record OrderState(int Items)
{
    public static OrderState Empty { get; } = new(0);

    public OrderState Apply(object body) => body is ItemAdded added ? new(Items + added.Count) : this;
}

public abstract record CartCommand
{
    public sealed record Add(string Product, int Count) : CartCommand;

    public sealed record Pay(decimal Amount) : CartCommand;
}

public sealed record Cart(int Items, bool IsPaid)
{
    public static Decider<Cart, CartCommand> Decider { get; } = new(new Cart(0, false), (_, _) => [], (cart, _) => cart);
}

public sealed class CartObject(Cart state) : AggregateRoot<Cart>(Cart.Decider, state)
{
    public void Add(string product, int count) => Raise(new ItemAdded(product, count));
}

public interface IBus
{
    Task PublishAsync(IEnumerable<CommittedEvent> events, CancellationToken token);
}

/// <summary>What the blocks of pages use and do not show: a reader has these, or something like them.</summary>
public abstract class Stage
{
    protected string[] args = [];
    protected string address = "memory:";
    protected byte[] key = [], newKey = [];
    protected StreamId order = new("order", "42");
    protected Guid messageId;
    protected Checkpoint lastSeen;
    protected DateTimeOffset yesterday;
    protected CommitResult result;
    protected Projection<Sales> projection;
    protected IConsumer<Sales> consumer;
    protected IEventStore store;
    protected IEventStream stream;
    protected IBus bus;
    protected TimeProvider time;
    protected ILoggerFactory loggers;
    protected WebApplicationBuilder builder;
    protected NpgsqlConnection connection;
    protected EventStore.Engines.IPersistenceEngine source;
    protected IImport import;
    protected Snapshot snapshot;
    protected Revision firstRevision;
    protected IReadOnlyList<CommittedEvent> commit;

    protected static void Show(CommittedEvent committed) { }

    protected static void Show(StreamHead head) { }

    protected static void Copy(string type, ReadOnlyMemory<byte> payload) { }

    protected static void Log(string message) { }

    protected static Wireup Sheet() => Wireup.Init();

    protected static ValueTask<decimal> PriceAsync(IEventStream stream, CancellationToken token) => default;

    protected static ValueTask CheckAsync(CommittedEvent committed, CancellationToken token) => default;

    protected static ValueTask IndexAsync(IReadOnlyList<CommittedEvent> batch, CancellationToken token) => default;

    protected static Task SendReceiptAsync(Guid id, OrderPaid paid, CancellationToken token) => Task.CompletedTask;

    protected static Task SendAsync(CommittedEvent committed) => Task.CompletedTask;

    protected static Task ExportAsync(CommittedEvent committed) => Task.CompletedTask;

    protected static Task TakeSnapshotAsync(StreamId stream) => Task.CompletedTask;

    protected static Task InsertInvoiceAsync(NpgsqlConnection connection, NpgsqlTransaction transaction) => Task.CompletedTask;
}
