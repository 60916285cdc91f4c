using System.Text;
using Xunit;

namespace EventStore.Conformance;

/// <summary>Changes in stored read streams and in continuation tokens are refused.</summary>
public abstract class ProtectionSpecification<TBackend> : Specification<TBackend> where TBackend : IBackend, new()
{
    private const int Minute = 60_000;
    private static readonly byte[] Key = Encoding.UTF8.GetBytes("a key of the specification");

    [Fact(Timeout = Minute), Guarantee("G40")]
    public async Task A_definition_that_was_changed_or_signed_with_another_key_is_refused()
    {
        await using (var store = await WireWithoutKeyChoice().SignReadStreamsWith(Key).BuildAsync())
        {
            await AppendAsync(store, 0, 3);
            await store.ReadStreams.CreateAsync("name", Ids(0));
            await Assert.ThrowsAsync<ReadStreamException>(async () => await store.ReadStreams.CreateAsync("name", Ids(1)));
            Assert.Single(await ToListAsync(store.ReadStreams.ReadAsync("name")));
        }

        var foreignKey = Encoding.UTF8.GetBytes("the key of another application");
        await using (var foreign = await WireWithoutKeyChoice().SignReadStreamsWith(foreignKey).BuildAsync())
            await ExpectRefusedAsync(foreign);
        await using (var keyless = await Wire().BuildAsync()) await ExpectRefusedAsync(keyless);

        var stored = await DocumentAsync("readstreams/definitions/name");
        await using var sound = await WireWithoutKeyChoice().SignReadStreamsWith(Key).BuildAsync();
        var (content, version) = (stored.Content.ToArray(), stored.Version);
        for (var at = 0; at < content.Length; at += 7)
        {
            content[at] ^= 1;
            version = Assert.NotNull(await Engine.PutDocumentAsync(stored.Name, content, version));
            content[at] ^= 1;
            var error = await Record.ExceptionAsync(async () => await ToListAsync(sound.ReadStreams.ReadAsync("name")));
            Assert.True(error is null or ReadStreamException, $"a flipped bit at {at} of the definition gave {error}");
            if (error is null)
                Assert.Empty((await ToListAsync(sound.ReadStreams.ReadAsync("name"))).Where(link => (string)link.Event.Body != "0"));
        }

        static async Task ExpectRefusedAsync(IEventStore store)
        {
            var refused = await Assert.ThrowsAsync<ReadStreamException>(async () => await ToListAsync(store.ReadStreams.ReadAsync("name")));
            Assert.Contains("signature", refused.Message, StringComparison.Ordinal);
        }
    }

    [Fact(Timeout = Minute), Guarantee("G40")]
    public async Task Links_that_were_changed_or_exchanged_are_refused_and_a_rebuild_makes_them_again()
    {
        await using var store = await WireWithoutKeyChoice().SignReadStreamsWith(Key).BuildAsync();
        for (var i = 0; i < 6; i++)
            await store.AppendAsync("stream-0", ExpectedRevision.Any, Enumerable.Range(i * 200, 200).Select(at => $"{at}"));
        await store.ReadStreams.CreateAsync("name", Ids(0));
        await store.ReadStreams.CreateAsync("other", Ids(1));

        var documents = await Engine.ListDocumentsAsync("readstreams/links/", "", 10);
        Assert.Equal(3, documents.Count);
        var foreign = documents.Single(document => document.Content.Length < 100);
        foreach (var document in documents.Where(document => document.Content.Length > 100))
        {
            var changed = document.Content.ToArray();
            changed[16] ^= 1;
            var version = document.Version;
            foreach (var content in (ReadOnlyMemory<byte>[])[changed, foreign.Content, document.Content[..^8], default])
            {
                version = Assert.NotNull(await Engine.PutDocumentAsync(document.Name, content, version));
                await Assert.ThrowsAsync<CorruptStorageException>(async () => await ToListAsync(store.ReadStreams.ReadAsync("name")));
            }

            await Engine.PutDocumentAsync(document.Name, document.Content, version);
            Assert.Equal(1200, (await ToListAsync(store.ReadStreams.ReadAsync("name"))).Count);
        }

        var part = documents.First(document => document.Name.EndsWith("0000000000", StringComparison.Ordinal));
        part = await DocumentAsync(part.Name);
        await Engine.PutDocumentAsync(part.Name, new byte[40], part.Version);
        await store.ReadStreams.RebuildAsync("name");
        Assert.Equal(1200, (await ToListAsync(store.ReadStreams.ReadAsync("name"))).Count);
    }

    [Fact(Timeout = Minute), Guarantee("G40")]
    public async Task A_changed_definition_is_listed_with_its_fault_beside_the_others_and_can_be_dropped()
    {
        await using var store = await WireWithoutKeyChoice().SignReadStreamsWith(Key).BuildAsync();
        await AppendAsync(store, 0, 3);
        foreach (var name in (string[])["a", "b", "c"]) await store.ReadStreams.CreateAsync(name, Ids(0));
        foreach (var (name, content) in (ValueTuple<string, string>[])[("a", "{"), ("b", "{\"condition\":\"x\",\"signature\":\"\"}")])
        {
            var stored = await DocumentAsync("readstreams/definitions/" + name);
            await Engine.PutDocumentAsync(stored.Name, Encoding.UTF8.GetBytes(content), stored.Version);
        }

        var listed = await ToListAsync(store.ReadStreams.ListAsync());
        Assert.Equal([("a", true), ("b", true), ("c", false)], listed.Select(info => (info.Name, info.Fault is not null)));
        foreach (var name in (string[])["a", "b"])
        {
            await Assert.ThrowsAsync<ReadStreamException>(async () => await ToListAsync(store.ReadStreams.ReadAsync(name)));
            Assert.True(await store.ReadStreams.DropAsync(name));
            await store.ReadStreams.CreateAsync(name, Ids(0));
            Assert.Single(await ToListAsync(store.ReadStreams.ReadAsync(name)));
        }
    }

    [Fact(Timeout = Minute), Guarantee("G40")]
    public async Task Read_streams_without_a_key_are_refused_unless_that_was_chosen()
    {
        await using var store = await WireWithoutKeyChoice().BuildAsync();
        var refused = await Assert.ThrowsAsync<ReadStreamException>(async () => await store.ReadStreams.CreateAsync("name", Ids(0)));
        Assert.Contains("SignReadStreamsWith", refused.Message, StringComparison.Ordinal);
        Assert.Empty(await Engine.ListDocumentsAsync("readstreams/", "", 10));
    }

    [Fact(Timeout = Minute), Guarantee("G39", "G40")]
    public async Task A_link_to_an_event_that_does_not_match_is_not_read()
    {
        await using var store = await Wire().BuildAsync();
        await AppendAsync(store, 0, 6);
        await store.ReadStreams.CreateAsync("name", Ids(0));
        Assert.Equal(["0", "3"], (await ToListAsync(store.ReadStreams.ReadAsync("name"))).Select(link => (string)link.Event.Body));
        var tail = Assert.Single(await Engine.ListDocumentsAsync("readstreams/links/", "", 10));
        var content = tail.Content.ToArray();
        content[16] = 2;
        await Engine.PutDocumentAsync(tail.Name, content, tail.Version);
        Assert.Equal(["3"], (await ToListAsync(store.ReadStreams.ReadAsync("name"))).Select(link => (string)link.Event.Body));
    }

    [Fact(Timeout = Minute), Guarantee("G18", "G40")]
    public async Task A_continuation_token_never_reaches_beyond_its_query()
    {
        await using var plain = await Wire().BuildAsync();
        await using var signed = await WireWithoutKeyChoice().SignReadStreamsWith(Key).BuildAsync();
        await AppendAsync(plain, 0, 20);
        foreach (var direction in (ReadDirection[])[ReadDirection.Forward, ReadDirection.Backward])
        {
            var query = new EventQuery { After = new Checkpoint(10), UpTo = new Checkpoint(15), Direction = direction };
            foreach (var store in (IEventStore[])[plain, signed])
            {
                var parts = (await ContinueAsync(store, query)).Split('-');
                const string Max = "7fffffffffffffff";
                foreach (var (position, bound) in (ValueTuple<string, string>[])
                    [("0", Max), (Max, Max), ("0", parts[2]), ("a", "14"), ("f", "a"), ("9", "f")])
                {
                    var forged = $"{parts[0]}-{position}-{bound}-{parts[3]}";
                    await Assert.ThrowsAsync<ArgumentException>(async () => await store.ReadPageAsync(query, 2, forged));
                }
            }

            var token = await ContinueAsync(signed, query);
            var moved = token.Replace(direction == ReadDirection.Forward ? "-c-" : "-d-", "-e-", StringComparison.Ordinal);
            Assert.NotEqual(token, moved);
            await Assert.ThrowsAsync<ArgumentException>(async () => await signed.ReadPageAsync(query, 2, moved));
            Assert.Equal(2, (await signed.ReadPageAsync(query, 2, token)).Events.Count);
        }
    }

    private static async Task<string> ContinueAsync(IEventStore store, EventQuery query)
    {
        var continuation = (await store.ReadPageAsync(query, 2)).Continuation;
        Assert.NotNull(continuation);
        return continuation;
    }

    private static EventPredicate Ids(int third) => EventPredicate.StreamIds($"stream-{third}");

    private static async Task AppendAsync(IEventStore store, int first, int count)
    {
        for (var i = first; i < first + count; i++) await store.AppendAsync($"stream-{i % 3}", $"{i}");
    }
}
