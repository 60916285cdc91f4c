using System.Buffers;
using System.IO.Compression;
using System.Text;

namespace EventStore.Tests;

/// <summary>Stored payloads that no store wrote are refused with a typed error, and cost no more than a sound one could.</summary>
public sealed class RestoringTests
{
    private const int Limit = 1 << 20;
    private static readonly StreamId Stream = "stream";

    [Theory]
    [InlineData("br", 1)]
    [InlineData("gzip", 1)]
    [InlineData("br", 2)]
    [InlineData("gzip", 2)]
    public async Task A_payload_that_grows_beyond_the_limit_of_the_engine_is_refused_while_it_grows(string algorithm, int times)
    {
        byte[] bomb = new byte[64 << 20];
        for (var i = 0; i < times; i++) bomb = Pack(algorithm, bomb);
        await using var store = await OpenAsync(Envelope([.. Enumerable.Repeat(algorithm, times)], bomb));
        var before = GC.GetAllocatedBytesForCurrentThread();
        var error = await Assert.ThrowsAsync<PayloadTransformException>(async () => await store.OpenStreamAsync(Stream));
        Assert.Contains($"{Limit} bytes", error.Message, StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 16 * Limit);
        var condition = new EventQuery { Condition = EventPredicate.Body("/n", ValueComparison.Equal, 1m) };
        await Assert.ThrowsAsync<PayloadTransformException>(async () => await store.FindLastEventAsync(condition));
    }

    [Fact]
    public async Task An_envelope_of_many_transforms_is_refused_and_so_is_a_store_that_would_write_one()
    {
        byte[] payload = "{}"u8.ToArray();
        for (var i = 0; i < 9; i++) payload = Pack("gzip", payload);
        await using var store = await OpenAsync(Envelope([.. Enumerable.Repeat("gzip", 9)], payload));
        var error = await Assert.ThrowsAsync<PayloadTransformException>(async () => await store.OpenStreamAsync(Stream));
        Assert.Contains("9 transforms", error.Message, StringComparison.Ordinal);
        var wireup = Wireup.Init().UsingInMemoryPersistence().UsingJsonSerialization(_ => { });
        for (var i = 0; i < 9; i++) wireup.TransformPayloadsUsing(new Nothing($"t{i}"));
        await Assert.ThrowsAsync<WireupException>(async () => await wireup.BuildAsync());
    }

    [Theory]
    [InlineData("br")]
    [InlineData("gzip")]
    public async Task A_compressed_payload_that_is_cut_short_or_followed_by_something_is_refused(string algorithm)
    {
        var whole = Pack(algorithm, Encoding.UTF8.GetBytes($"\"{string.Join(' ', Enumerable.Range(0, 2000))}\""));
        for (var length = 0; length < whole.Length; length += whole.Length / 97 + 1)
        {
            await using var cut = await OpenAsync(Envelope([algorithm], whole[..length]));
            await Assert.ThrowsAsync<PayloadTransformException>(async () => await cut.OpenStreamAsync(Stream));
        }

        await using var longer = await OpenAsync(Envelope([algorithm], [.. whole, 1, 2, 3, 4]));
        await Assert.ThrowsAsync<PayloadTransformException>(async () => await longer.OpenStreamAsync(Stream));
        await using var sound = await OpenAsync(Envelope([algorithm], whole));
        Assert.Single((await sound.OpenStreamAsync(Stream)).CommittedEvents);
    }

    [Fact]
    public async Task A_payload_that_could_not_be_restored_is_refused_when_it_is_written()
    {
        var engine = new Limited();
        await using var store = await Wireup.Init().UsingPersistence(engine).Compress()
            .UsingJsonSerialization(types => types.Register<string>("text")).BuildAsync();
        await Assert.ThrowsAsync<TooLargeException>(async () => await store.AppendAsync(Stream, new string('a', Limit)));
        await store.AppendAsync(Stream, new string('a', Limit - 2));
        Assert.Single((await store.OpenStreamAsync(Stream)).CommittedEvents);
    }

    [Fact]
    public async Task A_payload_that_cannot_be_restored_is_reported_with_its_place_wherever_it_is_read()
    {
        var engine = new EngineCatalogue().AddInMemory().Create("memory:", EngineContext.Default);
        var transform = new Reverses();
        await using var store = await Wireup.Init().UsingPersistence(engine).TransformPayloadsUsing(transform)
            .UsingJsonSerialization(types => types.Register<string>("text")).BuildAsync();
        var message = new EventMessage("x", new Dictionary<string, string> { ["trace"] = "t" });
        await store.AppendAsync(Stream, ExpectedRevision.Any, [message], headers: new Dictionary<string, string> { ["user"] = "u" });
        var stored = (await store.OpenStreamAsync(Stream)).CommittedEvents[0];
        await store.Snapshots.SaveAsync(new Snapshot(Stream, new Revision(1), "state"));
        var appended = new Projection<string>("", (state, committed) => state + committed.Body);
        await using (var consumer = await store.Consumers.StartAsync("sales", ConsumerSource.Everything, appended))
            await consumer.WaitUntilCaughtUpAsync();

        transform.Break();
        var (id, at) = ($"event {stored.EventId} in stream '{Stream}' at checkpoint 1", new EventQuery { Condition = Conditions[0] });
        await ExpectAsync($"the body of {id}", async () => await store.OpenStreamAsync(Stream));
        await ExpectAsync($"the body of {id}", async () => await store.ReadAllAsync().FirstAsync());
        await ExpectAsync($"the body of {id}", async () => await store.FindLastEventAsync(at));
        await ExpectAsync($"the snapshot of stream '{Stream}' at revision 1", async () => await store.Snapshots.FindAsync(Stream));
        var onDemand = await store.ReadAllAsync(decoding: EventDecoding.OnDemand).FirstAsync();
        await ExpectAsync($"the headers of {id}", () => Task.FromResult(onDemand.Headers));
        await ExpectAsync(
            $"the headers of commit {stored.CommitId} in stream '{Stream}' at checkpoint 1", () => Task.FromResult(onDemand.CommitHeaders));
        await ExpectAsync(
            "the state of the consumer 'sales' at checkpoint 1",
            async () => await store.Consumers.StartAsync("sales", ConsumerSource.Everything, appended));
    }

    private static EventPredicate[] Conditions { get; } = [EventPredicate.Body("/n", ValueComparison.Equal, 1m)];

    private static async Task ExpectAsync(string place, Func<Task> read)
    {
        var error = await Assert.ThrowsAsync<PayloadTransformException>(read);
        Assert.Equal((place, "reverse"), (error.Place, error.Transform));
        Assert.Contains(place, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("a secret", error.ToString(), StringComparison.Ordinal);
    }

    private static async Task<IEventStore> OpenAsync(byte[] payload)
    {
        var engine = new Limited();
        await engine.CommitAsync(
            [new CommitAttempt(Stream, Guid.NewGuid(), [new EventRecord(Guid.NewGuid(), "text", payload)])]);
        return await Wireup.Init().UsingPersistence(engine).UsingJsonSerialization(types => types.Register<string>("text")).BuildAsync();
    }

    private static byte[] Envelope(string[] transforms, byte[] payload) =>
    [
        0xC1, 0xE5, 0x53, 0x01, (byte)transforms.Length,
        .. transforms.SelectMany(id => (byte[])[(byte)id.Length, .. Encoding.ASCII.GetBytes(id)]),
        .. payload,
    ];

    private static byte[] Pack(string algorithm, byte[] payload)
    {
        var output = new MemoryStream();
        using (Stream stream = algorithm == "br"
            ? new BrotliStream(output, CompressionLevel.Fastest)
            : new GZipStream(output, CompressionLevel.Fastest))
            stream.Write(payload);
        return output.ToArray();
    }

    /// <summary>The in-memory engine with small limits.</summary>
    private sealed class Limited() : DelegatingEngine(
        new EngineCatalogue().AddInMemory().Create("memory:", EngineContext.Default))
    {
        public override EngineDescription Description =>
            base.Description with { Limits = new EngineLimits(100, Limit, Limit, Limit, 100) };
    }

    /// <summary>A transform of an application, which throws what it likes.</summary>
    private sealed class Reverses : IPayloadTransform
    {
        private volatile bool isBroken;

        public string Id => "reverse";

        public void Break() => isBroken = true;

        public bool TryApply(ReadOnlySpan<byte> payload, in PayloadContext context, IBufferWriter<byte> output)
        {
            var reversed = payload.ToArray();
            Array.Reverse(reversed);
            output.Write(reversed);
            return true;
        }

        public void Restore(ReadOnlySpan<byte> payload, in PayloadContext context, IBufferWriter<byte> output)
        {
            if (isBroken && context is not { Kind: PayloadKind.ConsumerState, Position: 0 }) // a trial before it is used
                throw new FormatException("it quotes a secret");
            TryApply(payload, context, output);
        }
    }

    private sealed class Nothing(string id) : IPayloadTransform
    {
        public string Id => id;

        public bool TryApply(ReadOnlySpan<byte> payload, in PayloadContext context, IBufferWriter<byte> output) => false;

        public void Restore(ReadOnlySpan<byte> payload, in PayloadContext context, IBufferWriter<byte> output) => output.Write(payload);
    }
}
