using System.Text.Json.Nodes;

namespace EventStore.Conformance.Tests.Engines;

/// <summary>Takes a page that is just full for the last one, so that what follows it is passed over (G15, G32).</summary>
[CaughtBy(
    typeof(ConsumerStartSpecification<>),
    nameof(ConsumerStartSpecification<>.Every_event_after_the_start_is_delivered_from_every_source_while_others_append))]
internal sealed class EndsFullPages(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override async ValueTask<StorePage> ReadAllAsync(StoreRead read, CancellationToken cancellationToken = default)
    {
        var page = await Inner.ReadAllAsync(read, cancellationToken);
        return page.Events.Length == read.Limit.MaxEvents ? page with { IsEnd = true } : page;
    }
}

/// <summary>Reports the end of a page as the head of the store, so that a reader never learns that it has seen more (G14).</summary>
[CaughtBy(
    typeof(SetBackSpecification<>), nameof(SetBackSpecification<>.A_token_of_a_page_that_saw_more_than_the_store_holds_throws))]
internal sealed class ReportsTheEndOfThePageAsHead(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override async ValueTask<StorePage> ReadAllAsync(StoreRead read, CancellationToken cancellationToken = default)
    {
        var page = await Inner.ReadAllAsync(read, cancellationToken);
        return page.Events.IsEmpty ? page : page with { Head = page.Position };
    }
}

/// <summary>For a core that writes something else into the documents of consumers.</summary>
internal abstract class ChangesConsumers(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    protected abstract void Change(string name, JsonObject consumer);

    public override ValueTask<long?> PutDocumentAsync(
        string name, ReadOnlyMemory<byte> content, long expectedVersion, CancellationToken cancellationToken = default)
    {
        if (!name.StartsWith("consumers/", StringComparison.Ordinal))
            return Inner.PutDocumentAsync(name, content, expectedVersion, cancellationToken);
        var consumer = JsonNode.Parse(content.Span)!.AsObject();
        Change(name, consumer);
        var changed = System.Text.Encoding.UTF8.GetBytes(consumer.ToJsonString());
        return Inner.PutDocumentAsync(name, changed, expectedVersion, cancellationToken);
    }
}

/// <summary>A core that does not keep where a consumer began, so that a renewed state begins elsewhere (G36).</summary>
[CaughtBy(
    typeof(ConsumerStartSpecification<>),
    nameof(ConsumerStartSpecification<>.A_state_of_another_schema_version_begins_where_its_consumer_began_the_first_time))]
internal sealed class ForgetsWhereConsumersBegan(IPersistenceEngine inner) : ChangesConsumers(inner)
{
    protected override void Change(string name, JsonObject consumer) => consumer.Remove("origin");
}

/// <summary>A core that does not keep what a consumer reads, so that another source is taken for the same one (G36).</summary>
[CaughtBy(
    typeof(ConsumerStartSpecification<>),
    nameof(ConsumerStartSpecification<>.Another_source_or_another_kind_of_state_under_the_same_name_is_refused_and_changes_nothing))]
internal sealed class TakesAnySource(IPersistenceEngine inner) : ChangesConsumers(inner)
{
    public override async ValueTask<NamedDocument?> FindDocumentAsync(string name, CancellationToken cancellationToken = default)
    {
        var found = await base.FindDocumentAsync(name, cancellationToken);
        if (found is null || !name.StartsWith("consumers/", StringComparison.Ordinal)) return found;
        var consumer = JsonNode.Parse(found.Content.Span)!.AsObject();
        consumer.Remove("isStarted");
        return new NamedDocument(found.Name, found.Version, System.Text.Encoding.UTF8.GetBytes(consumer.ToJsonString()));
    }

    protected override void Change(string name, JsonObject consumer)
    {
    }
}

/// <summary>A core that writes a position before that of its state, so that an event counts twice after a restart (G33).</summary>
[CaughtBy(
    typeof(DeliveryModelSpecification<>),
    nameof(DeliveryModelSpecification<>.Every_reader_is_given_every_event_in_order_whatever_happens_to_streams_and_readers))]
[CaughtBy(
    typeof(ConsumerLifeSpecification<>),
    nameof(ConsumerLifeSpecification<>.A_consumer_and_its_store_closed_at_the_same_time_wait_for_one_another_and_no_event_comes_again))]
internal sealed class WritesPositionsTooLow(IPersistenceEngine inner) : ChangesConsumers(inner)
{
    protected override void Change(string name, JsonObject consumer)
    {
        if (consumer["checkpoint"]?.GetValue<long>() is > 1 and var checkpoint) consumer["checkpoint"] = checkpoint - 1;
    }
}
