using System.Security.Cryptography;
using System.Text;

namespace EventStore.Tests;

/// <summary>An attacker who can write to the storage: an encrypted payload is accepted only where it was stored.</summary>
public sealed class EncryptionTests
{
    private static readonly StreamId Stream = "stream";
    private static readonly EncryptionKey Key = new("k", RandomNumberGenerator.GetBytes(32));

    [Theory]
    [InlineData("plain")]
    [InlineData("empty envelope")]
    [InlineData("compressed")]
    public async Task A_payload_without_encryption_is_refused_in_every_place(string disguise)
    {
        var engine = OpenInMemory();
        var wireup = disguise == "compressed" ? Json(engine).Compress(minBytes: 1) : Json(engine);
        await using (var open = await wireup.BuildAsync()) await FillAsync(open);
        if (disguise == "empty envelope") await WrapAsync(engine);
        await using var store = await Json(engine).EncryptWith(Key).BuildAsync();
        await ExpectRefusedAsync(async () => await store.OpenStreamAsync(Stream));
        await ExpectRefusedAsync(async () => await ToListAsync(store));
        await ExpectRefusedAsync(async () => await store.Snapshots.FindAsync(Stream));
        if (disguise != "empty envelope") await ExpectRefusedAsync(async () => await StartAsync(store));
        await foreach (var committed in store.ReadStreamAsync(Stream, decoding: EventDecoding.OnDemand))
        {
            Assert.Throws<PayloadTransformException>(() => committed.Headers);
            Assert.Throws<PayloadTransformException>(() => committed.CommitHeaders);
        }
    }

    [Fact(Timeout = 120_000)]
    public async Task Many_callers_encrypt_and_decrypt_with_one_key_at_once()
    {
        await using var store = await Json(OpenInMemory()).Compress(minBytes: 1).EncryptWith(Key).BuildAsync();
        await Task.WhenAll(Enumerable.Range(0, 16).Select(caller => Task.Run(async () =>
        {
            for (var i = 0; i < 50; i++)
            {
                var orders = Enumerable.Range(0, 3).Select(n => new OrderPlaced(new string('x', 500 * n), (caller * 1000) + i));
                await store.AppendAsync($"stream-{caller}", orders);
                await foreach (var committed in store.ReadStreamAsync($"stream-{caller}"))
                    Assert.InRange(Assert.IsType<OrderPlaced>(committed.Body).Quantity, caller * 1000, (caller * 1000) + i);
            }
        })));
    }

    [Fact]
    public async Task Older_plaintext_is_read_where_the_wireup_accepts_it_and_the_description_says_so()
    {
        var engine = OpenInMemory();
        await using (var open = await Json(engine).BuildAsync()) await FillAsync(open);
        await using (var until = await Json(engine).EncryptWith(Key).AcceptPlaintextUntil(new Checkpoint(1)).BuildAsync())
        {
            Assert.Contains("Plaintext:    accepted up to checkpoint 1", until.Describe().ToString(), StringComparison.Ordinal);
            Assert.Single(await ToListAsync(until));
            await until.AppendAsync(Stream, new OrderPlaced("2", 2));
            Assert.Equal(2, (await ToListAsync(until)).Count);
            await ExpectRefusedAsync(async () => await until.Snapshots.FindAsync(Stream));
        }

        await using (var open = await Json(engine).BuildAsync()) await open.AppendAsync(Stream, new OrderPlaced("3", 3));
        await using (var until = await Json(engine).EncryptWith(Key).AcceptPlaintextUntil(new Checkpoint(2)).BuildAsync())
            await ExpectRefusedAsync(async () => await ToListAsync(until));
        await using (var types = await Json(engine).EncryptWith(Key).AcceptPlaintextOf("order-placed").BuildAsync())
        {
            Assert.Contains("accepted of the types order-placed", types.Describe().ToString(), StringComparison.Ordinal);
            Assert.Equal(3, (await ToListAsync(types)).Count);
            Assert.NotNull(await types.Snapshots.FindAsync(Stream));
            await using var consumer = await StartAsync(types);
        }

        var accepting = Json(engine).EncryptWith(Key).AcceptPlaintextUntil(new Checkpoint(3)).AcceptPlaintextOf("order-placed");
        await using (var both = await accepting.BuildAsync())
        {
            Assert.Contains(
                "accepted up to checkpoint 3 and of the types order-placed", both.Describe().ToString(), StringComparison.Ordinal);
            Assert.NotNull(await both.Snapshots.FindAsync(Stream));
        }

        await using var other = await Json(engine).EncryptWith(Key).AcceptPlaintextOf("another").BuildAsync();
        await ExpectRefusedAsync(async () => await ToListAsync(other));
        await Assert.ThrowsAsync<WireupException>(async () => await Json(engine).AcceptPlaintextOf("order-placed").BuildAsync());
        Assert.Throws<WireupException>(() => Json(engine).AcceptPlaintextOf());
    }

    [Fact]
    public async Task An_encrypted_payload_is_refused_at_every_other_place()
    {
        var engine = OpenInMemory();
        await using var store = await Json(engine).Compress(minBytes: 1).EncryptWith(Key).BuildAsync();
        await FillAsync(store);
        var stolen = await ReadFirstAsync(engine);

        // Another event id, another type, headers in place of the body, the transforms that the envelope names.
        var (id, type, body) = (stolen.Record.EventId, stolen.Record.EventType, stolen.Record.Body);
        EventRecord[] forged =
        [
            new(Guid.NewGuid(), type, body),
            new(id, "order-shipped", body),
            new(id, type, stolen.Record.Headers),
            new(id, type, WithoutCompression(body)),
        ];
        foreach (var record in forged)
        {
            var outcome = await engine.CommitAsync([new CommitAttempt(Stream, Guid.NewGuid(), [record])]);
            var checkpoint = outcome[0].Commit!.FirstCheckpoint;
            await ExpectRefusedAsync(async () => await ToListAsync(store, new Checkpoint(checkpoint.Value - 1)));
        }

        var snapshot = (await engine.FindSnapshotAsync(Stream, Revision.Max))!;
        await engine.SaveSnapshotAsync(snapshot with { Revision = new Revision(2) });
        await ExpectRefusedAsync(async () => await store.Snapshots.FindAsync(Stream));
        Assert.NotNull(await store.Snapshots.FindAsync(Stream, new Revision(1)));
        await engine.SaveSnapshotAsync(snapshot with { SchemaVersion = 7 });
        await ExpectRefusedAsync(async () => await store.Snapshots.FindAsync(Stream, new Revision(1)));
    }

    [Fact]
    public async Task A_payload_of_another_store_with_the_same_key_is_refused()
    {
        IPersistenceEngine first = OpenInMemory(), second = OpenInMemory();
        await using (var store = await Json(first).EncryptWith(Key).BuildAsync()) await FillAsync(store);
        var stolen = await ReadFirstAsync(first);
        await second.CommitAsync([new CommitAttempt(Stream, stolen.Commit.CommitId, [stolen.Record]) { Headers = stolen.Commit.Headers }]);
        await using (var other = await Json(second).EncryptWith(Key).BuildAsync())
            await ExpectRefusedAsync(async () => await ToListAsync(other));
        await using var again = await Json(first).EncryptWith(Key).BuildAsync();
        Assert.Single(await ToListAsync(again));
    }

    [Fact]
    public async Task A_reader_without_an_identity_to_read_is_refused_with_what_to_do()
    {
        var engine = OpenInMemory();
        var missing = await Assert.ThrowsAsync<StorageNotFoundException>(
            async () => await Json(engine).EncryptWith(Key).OpenReadOnly().BuildAsync());
        Assert.Contains("Build it once for writing", missing.Message, StringComparison.Ordinal);
        await using (var store = await Json(engine).EncryptWith(Key).BuildAsync()) await FillAsync(store);
        await using var reader = await Json(engine).EncryptWith(Key).OpenReadOnly().BuildAsync();
        Assert.Single(await ToListAsync(reader));
    }

    // Puts events and snapshot into envelopes that name no transform.
    private static async Task WrapAsync(IPersistenceEngine engine)
    {
        var stored = await ReadFirstAsync(engine);
        var snapshot = (await engine.FindSnapshotAsync(Stream, Revision.Max))!;
        var forged = new EventRecord(
            stored.Record.EventId, stored.Record.EventType, Wrap(stored.Record.Body), Wrap(stored.Record.Headers));
        await engine.DeleteStreamAsync(Stream, StreamExpectation.Any);
        await engine.CommitAsync(
            [
                new CommitAttempt(Stream, Guid.NewGuid(), [forged])
                {
                    Expected = ExpectedRevision.NoStream,
                    Headers = Wrap(stored.Commit.Headers),
                },
            ]);
        await engine.SaveSnapshotAsync(snapshot with { Payload = Wrap(snapshot.Payload), Incarnation = default });

        static ReadOnlyMemory<byte> Wrap(ReadOnlyMemory<byte> payload) => (byte[])[0xC1, 0xE5, 0x53, 0x01, 0, .. payload.Span];
    }

    private static async Task<RecordedEvent> ReadFirstAsync(IPersistenceEngine engine) => (await engine.ReadStreamAsync(
        new StreamRead(Stream, new Revision(1), new Revision(1), ReadDirection.Forward, new PageLimit(1, 1)))).Events.Span[0];

    // An event with headers, in a commit with headers; a snapshot; the state of a consumer.
    private static async Task FillAsync(IEventStore store)
    {
        var order = new OrderPlaced(new string('x', 500), 1);
        Dictionary<string, string> headers = new() { ["header"] = new string('h', 200) };
        await store.AppendAsync(Stream, ExpectedRevision.Any, [new EventMessage(order, headers)], headers: headers);
        await store.Snapshots.SaveAsync(new Snapshot(Stream, new Revision(1), order));
        await using var consumer = await StartAsync(store);
        await consumer.WaitUntilCaughtUpAsync();
    }

    private static async Task<IConsumer> StartAsync(IEventStore store) => await store.Consumers.StartAsync(
        "state",
        ConsumerSource.Everything,
        new Projection<OrderPlaced>(
            new OrderPlaced(new string('s', 200), 0), (state, _) => state with { Quantity = state.Quantity + 1 }));

    private static ReadOnlyMemory<byte> WithoutCompression(ReadOnlyMemory<byte> stored)
    {
        var envelope = Encoding.Latin1.GetString(stored.Span);
        var compressed = "\u0002\u0002br\u0007aes-gcm";
        Assert.Contains(compressed, envelope, StringComparison.Ordinal);
        return Encoding.Latin1.GetBytes(envelope.Replace(compressed, "\u0001\u0007aes-gcm", StringComparison.Ordinal));
    }

    private static async Task ExpectRefusedAsync(Func<Task> read) => await Assert.ThrowsAsync<PayloadTransformException>(read);

    private static async Task<List<CommittedEvent>> ToListAsync(IEventStore store, Checkpoint after = default)
    {
        List<CommittedEvent> all = [];
        await foreach (var committed in store.ReadAllAsync(new EventQuery { After = after })) all.Add(committed);
        foreach (var committed in all) _ = (committed.Headers, committed.CommitHeaders);
        return all;
    }

    private static IPersistenceEngine OpenInMemory() => new EngineCatalogue().AddInMemory().Create("memory:", EngineContext.Default);

    private static Wireup Json(IPersistenceEngine engine) => Wireup.Init().UsingPersistence(engine)
        .UsingJsonSerialization(types => types.Register<OrderPlaced>().Register<OrderShipped>("order-shipped"));
}
