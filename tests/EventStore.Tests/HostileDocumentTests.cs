using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Text;
using System.Text.Json.Nodes;

namespace EventStore.Tests;

/// <summary>
/// Named documents that a process with access to the storage replaced. Every member returns, or throws an exception of the contract.
/// </summary>
public sealed class HostileDocumentTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Term = TimeSpan.FromMilliseconds(300);
    private static readonly ConsumerOptions Quick = new() { StopTimeout = TimeSpan.FromSeconds(5), LeaseTerm = Term };

    private static readonly string[] Values =
    [
        "null", "-1", "9223372036854775807", "-9223372036854775808", "4611686018427387904", "1e300", "7.5", "\"\"", "\"x\"", "true", "[]",
        "{}", "[null]", "[3,1]", "[9223372036854775807]", "[-1,0]", """[{"first":5,"last":1}]""", """[{"first":-1,"last":1}]""",
        """[{"first":1,"last":9223372036854775807}]""", """[{"first":1,"last":2},{"first":1,"last":2}]""",
        """{"checkpoint":9223372036854775807,"revision":-1}""", """{"checkpoint":-1}""",
    ];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 300_000)]
    public async Task A_document_that_was_replaced_is_used_or_refused_with_an_exception_of_the_contract()
    {
        var (filled, sound) = await FillAsync();
        await filled.DisposeAsync();
        Assert.InRange(sound.Count, 6, 20);
        var wrong = new ConcurrentQueue<string>();
        var changes = new List<(int Document, int Change)>();
        foreach (var (number, document) in sound.Index())
            changes.AddRange(Enumerable.Range(0, Replacements(document.Content.ToArray()).Count).Select(change => (number, change)));
        await Parallel.ForEachAsync(changes, Token, async (change, _) =>
        {
            var (engine, documents) = await FillAsync();
            await using var closing = engine;
            var document = documents[change.Document];
            var content = Replacements(document.Content.ToArray())[change.Change];
            await engine.PutDocumentAsync(document.Name, content, document.Version, Token);
            if (await UseAsync(engine) is { } failure)
                wrong.Enqueue($"{document.Name} = {Encoding.UTF8.GetString(content.AsSpan(0, Math.Min(90, content.Length)))}: {failure}");
        });
        TestContext.Current.TestOutputHelper?.WriteLine($"{changes.Count} documents were replaced");
        Assert.True(wrong.IsEmpty, string.Join("\n", wrong));
    }

    [Theory(Timeout = 60_000), InlineData(3), InlineData(9)]
    public async Task Documents_of_another_store_with_the_same_key_are_refused(int eventsOfOther)
    {
        await using var engine = await PutUnderAnotherAsync(eventsOfOther, document => document.Name != "store/identity");
        await using var store = await BuildAsync(engine);
        await Assert.ThrowsAsync<CorruptStorageException>(async () => await store.Dispatch.GetStatusAsync(Token));
        await Assert.ThrowsAsync<CorruptStorageException>(
            async () => await store.Dispatch.GetUndispatchedAsync(null, Token).CountAsync(Token));
        foreach (var size in (int[])[1, 20_000])
            await Assert.ThrowsAsync<ConsumerChangedException>(() => StartAsync(store, size));
        await Assert.ThrowsAsync<ReadStreamException>(
            async () => await store.ReadStreams.ReadAsync("texts", cancellationToken: Token).CountAsync(Token));
        await Assert.ThrowsAsync<CorruptStorageException>(() => ImportAsync(store));
        Assert.Equal(5 + 1, await store.ReadAllAsync(cancellationToken: Token).CountAsync(Token)); // one was imported
    }

    [Theory(Timeout = 60_000), InlineData(3), InlineData(9)]
    public async Task Documents_of_another_store_with_its_identity_are_used_or_refused_with_an_exception_of_the_contract(int eventsOfOther)
    {
        await using var engine = await PutUnderAnotherAsync(eventsOfOther, _ => true);
        Assert.Null(await UseAsync(engine));
    }

    // A store of five events with the documents of another one.
    private static async Task<IPersistenceEngine> PutUnderAnotherAsync(int eventsOfOther, Func<NamedDocument, bool> isPut)
    {
        var (other, documents) = await FillAsync(eventsOfOther);
        await other.DisposeAsync();
        var (engine, own) = await FillAsync(5);
        foreach (var document in documents.Where(isPut))
        {
            var version = own.SingleOrDefault(one => one.Name == document.Name)?.Version ?? 0;
            Assert.NotNull(await engine.PutDocumentAsync(document.Name, document.Content, version, Token));
        }

        return engine;
    }

    // Texts that are no document, then each property of one with each value; or, of bytes, other numbers.
    private static List<byte[]> Replacements(byte[] content)
    {
        List<byte[]> all =
        [
            .. Values.Select(Encoding.UTF8.GetBytes), [], [0], [0xFF, 0xFE], Encoding.UTF8.GetBytes(new string('[', 100_000)),
            Encoding.UTF8.GetBytes($"\"{new string('x', 1 << 20)}\""), content[..(content.Length / 2)], [.. content, .. content],
        ];
        if (content is not [(byte)'{', ..])
        {
            for (var at = 0; at + 8 <= content.Length; at += 8)
            {
                foreach (var number in (long[])[-1, 0, 1, 1L << 50, long.MaxValue, long.MinValue])
                {
                    var changed = content.ToArray();
                    BinaryPrimitives.WriteInt64LittleEndian(changed.AsSpan(at), number);
                    all.Add(changed);
                }
            }

            return all;
        }

        foreach (var property in JsonNode.Parse(content)!.AsObject().Select(property => property.Key))
        {
            foreach (var value in Values)
            {
                var changed = JsonNode.Parse(content)!.AsObject();
                changed[property] = JsonNode.Parse(value);
                all.Add(Encoding.UTF8.GetBytes(changed.ToJsonString()));
            }
        }

        return all;
    }

    private static async Task<(IPersistenceEngine Engine, IReadOnlyList<NamedDocument> Documents)> FillAsync(int events = 3)
    {
        var engine = new EngineCatalogue().AddInMemory().Create("memory:", EngineContext.Default);
        await using (var store = await BuildAsync(engine))
        {
            for (var i = 0; i < events; i++) await store.AppendAsync($"stream-{i % 2}", "text", cancellationToken: Token);
            await store.ReadStreams.CreateAsync("texts", EventPredicate.Types("text"), Token);
            await foreach (var _ in store.ReadStreams.ReadAsync("texts", cancellationToken: Token))
            {
                // Fills it.
            }

            await ImportAsync(store);
            await store.Dispatch.WaitUntilDispatchedAsync(Token);
            foreach (var size in (int[])[1, 20_000])
            {
                await using var consumer = await StartAsync(store, size);
                await consumer.WaitUntilCaughtUpAsync(Token);
            }
        }

        return (engine, await engine.ListDocumentsAsync("", "", 100, Token));
    }

    // The first exception that is not of the contract; null for none.
    private static async Task<string?> UseAsync(IPersistenceEngine engine)
    {
        IEventStore? built = null;
        var failure = await FailureOfAsync("building", async () => built = await BuildAsync(engine));
        if (failure is not null || built is not { } store) return failure;
        (string, Func<Task>)[] calls =
        [
            ("commit", async () => await store.AppendAsync("stream-0", "text", cancellationToken: Token)),
            ("status", async () => await store.Dispatch.GetStatusAsync(Token)),
            ("undispatched", async () => await store.Dispatch.GetUndispatchedAsync(null, Token).CountAsync(Token)),
            ("parked", async () => await store.Dispatch.GetParkedAsync(Token).CountAsync(Token)),
            ("replay", async () => await store.Dispatch.ReplayParkedAsync(Token)),
            ("mark", async () => await store.Dispatch.MarkAsDispatchedAsync([Guid.NewGuid()], Token)),
            ("consumers", async () => await store.Consumers.ListAsync(Token).CountAsync(Token)),
            ("small state", () => ConsumeAsync(store, 1)),
            ("large state", () => ConsumeAsync(store, 20_000)),
            ("delete", async () => await store.Consumers.DeleteAsync("consumer-1", Token)),
            ("read streams", async () => await store.ReadStreams.ListAsync(Token).CountAsync(Token)),
            ("read stream", async () => await store.ReadStreams.ReadAsync("texts", cancellationToken: Token).CountAsync(Token)),
            ("rebuild", async () => await store.ReadStreams.RebuildAsync("texts", Token)),
            ("drop", async () => await store.ReadStreams.DropAsync("texts", Token)),
            ("all", async () => await store.ReadAllAsync(cancellationToken: Token).CountAsync(Token)),
            ("imports", async () => await store.Imports.FindAsync("import", Token)),
            ("import", () => ImportAsync(store)),
            ("verify", async () => await store.VerifyAsync(cancellationToken: Token)),
            ("closing", async () => await store.DisposeAsync()),
        ];
        foreach (var (name, call) in calls) failure ??= await FailureOfAsync(name, call);
        await store.DisposeAsync();
        return failure;
    }

    private static async Task<string?> FailureOfAsync(string name, Func<Task> call)
    {
        var error = await Record.ExceptionAsync(() => Task.Run(call, Token).WaitAsync(Patience, TimeProvider.System, Token));
        return error is null or EventStoreException ? null : $"{name}: {error}";
    }

    private static async Task ConsumeAsync(IEventStore store, int stateBytes)
    {
        await using var consumer = await StartAsync(store, stateBytes);
        await Task.WhenAny(consumer.WaitUntilCaughtUpAsync(Token).AsTask(), consumer.Completion);
        await consumer.GetStatusAsync(Token);
        await consumer.GetParkedAsync(Token).CountAsync(Token);
        await consumer.ReplayParkedAsync(Token);
        if (consumer.Completion.IsCompleted) await consumer.Completion;
    }

    private static async Task ImportAsync(IEventStore store)
    {
        await using var import = await store.Imports.OpenAsync("import", ImportMode.Merge, cancellationToken: Token);
        await import.AddAsync(new ImportCommit("imported", Guid.NewGuid(), DateTimeOffset.UnixEpoch, [new EventMessage("text")]), Token);
        await import.CompleteAsync(Token);
    }

    private static async Task<IConsumer> StartAsync(IEventStore store, int stateBytes) => await store.Consumers.StartAsync(
        $"consumer-{stateBytes}", ConsumerSource.Everything,
        new Projection<Counted>(new(new string('s', stateBytes), 0), (state, _) => state with { Count = state.Count + 1 }),
        Quick, Token);

    private static ValueTask<IEventStore> BuildAsync(IPersistenceEngine engine) => Wireup.Init().UsingPersistence(engine)
        .UsingJsonSerialization(types => types.Register<string>("text").Register<Counted>("counted"))
        .SignReadStreamsWith(new byte[32]).UsingAsynchronousDispatchScheduler(options => options.LeaseTerm = Term)
        .DispatchTo((Commit _, CancellationToken _) => default).BuildAsync(Token);

    private sealed record Counted(string Text, int Count);
}
