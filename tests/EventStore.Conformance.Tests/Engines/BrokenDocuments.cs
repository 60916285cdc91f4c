using System.Collections.Concurrent;
using System.Text.RegularExpressions;

namespace EventStore.Conformance.Tests.Engines;

/// <summary>Writes a document whatever its version, so that a holder that was replaced overwrites its successor (G29).</summary>
[CaughtBy(typeof(DocumentSpecification<>), nameof(DocumentSpecification<>.A_document_is_written_only_at_the_version_expected))]
[CaughtBy(
    typeof(DispatchLeaseSpecification<>),
    nameof(DispatchLeaseSpecification<>.What_a_holder_wrote_before_it_was_replaced_and_arrives_after_is_refused))]
[CaughtBy(
    typeof(ConsumerStateSpecification<>),
    nameof(ConsumerStateSpecification<>.What_a_holder_wrote_before_it_was_replaced_and_arrives_after_is_refused))]
internal sealed class IgnoresVersions(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override async ValueTask<long?> PutDocumentAsync(
        string name, ReadOnlyMemory<byte> content, long expectedVersion, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            var version = (await Inner.FindDocumentAsync(name, cancellationToken))?.Version ?? 0;
            if (await Inner.PutDocumentAsync(name, content, version, cancellationToken) is { } written) return written;
        }
    }
}

/// <summary>Compares the version and writes in two steps, so that two writers both succeed (G29).</summary>
[CaughtBy(
    typeof(DocumentSpecification<>),
    nameof(DocumentSpecification<>.Of_many_writers_at_one_version_exactly_one_succeeds_and_no_increment_is_lost))]
internal sealed class ComparesThenWrites(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override async ValueTask<long?> PutDocumentAsync(
        string name, ReadOnlyMemory<byte> content, long expectedVersion, CancellationToken cancellationToken = default)
    {
        if (((await Inner.FindDocumentAsync(name, cancellationToken))?.Version ?? 0) != expectedVersion) return null;
        await Task.Delay(1, cancellationToken);
        var version = (await Inner.FindDocumentAsync(name, cancellationToken))?.Version ?? 0;
        return await Inner.PutDocumentAsync(name, content, version, cancellationToken) ?? expectedVersion + 1;
    }
}

/// <summary>Deletes a document whatever its version (G29).</summary>
[CaughtBy(typeof(DocumentSpecification<>), nameof(DocumentSpecification<>.A_document_is_deleted_only_at_the_version_expected))]
internal sealed class DeletesAnyVersion(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override async ValueTask<bool> DeleteDocumentAsync(
        string name, long expectedVersion, CancellationToken cancellationToken = default) =>
        await Inner.FindDocumentAsync(name, cancellationToken) is { } found
            && await Inner.DeleteDocumentAsync(name, found.Version, cancellationToken);
}

/// <summary>Counts the versions of a name from 1 again after its deletion, so that a stale writer's version matches again (G29).</summary>
[CaughtBy(
    typeof(DocumentSpecification<>),
    nameof(DocumentSpecification<>.A_version_is_never_used_twice_under_one_name_not_even_after_deletion))]
internal sealed class ReusesVersions(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, NamedDocument> documents = [];

    public override ValueTask<NamedDocument?> FindDocumentAsync(string name, CancellationToken cancellationToken = default)
    {
        lock (gate) return new(documents.GetValueOrDefault(name));
    }

    public override ValueTask<long?> PutDocumentAsync(
        string name, ReadOnlyMemory<byte> content, long expectedVersion, CancellationToken cancellationToken = default)
    {
        lock (gate)
        {
            if ((documents.GetValueOrDefault(name)?.Version ?? 0) != expectedVersion) return new((long?)null);
            documents[name] = new NamedDocument(name, expectedVersion + 1, content.ToArray());
            return new(expectedVersion + 1);
        }
    }

    public override ValueTask<bool> DeleteDocumentAsync(string name, long expectedVersion, CancellationToken cancellationToken = default)
    {
        lock (gate) return new(documents.GetValueOrDefault(name)?.Version == expectedVersion && documents.Remove(name));
    }
}

/// <summary>Treats the prefix as a pattern with wildcards, as LIKE and KEYS do (G1).</summary>
[CaughtBy(typeof(DocumentSpecification<>), nameof(DocumentSpecification<>.Documents_are_listed_by_prefix_in_code_point_order_page_by_page))]
internal sealed class ListsByPattern(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override async ValueTask<IReadOnlyList<NamedDocument>> ListDocumentsAsync(
        string prefix, string after, int limit, CancellationToken cancellationToken = default)
    {
        var pattern = new Regex(
            "^" + Regex.Escape(prefix).Replace("_", ".", StringComparison.Ordinal), RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));
        return
        [
            .. (
                await Inner.ListDocumentsAsync(
                    "", after, int.MaxValue, cancellationToken)).Where(document => pattern.IsMatch(document.Name)).Take(limit),
        ];
    }
}

/// <summary>Accepts documents above its limit (G8).</summary>
[CaughtBy(typeof(DocumentSpecification<>), nameof(DocumentSpecification<>.Documents_and_snapshots_beyond_their_limits_are_refused))]
internal sealed class TakesTooLargeDocuments(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override EngineDescription Description =>
        Inner.Description with { Limits = Inner.Description.Limits with { MaxDocumentBytes = 1 << 20 } };
}

/// <summary>Accepts any text as the name of a document, also one that it cannot return (G1).</summary>
[CaughtBy(
    typeof(IdentitySpecification<>),
    nameof(IdentitySpecification<>.Names_that_are_empty_too_long_or_ill_formed_are_refused_before_anything_is_written))]
internal sealed class TakesAnyName(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override async ValueTask<long?> PutDocumentAsync(
        string name, ReadOnlyMemory<byte> content, long expectedVersion, CancellationToken cancellationToken = default)
    {
        try
        {
            return await Inner.PutDocumentAsync(name, content, expectedVersion, cancellationToken);
        }
        catch (InvalidNameException)
        {
            return expectedVersion + 1;
        }
    }
}

/// <summary>A process that reads a document once, and never notices that it was changed.</summary>
[CaughtBy(typeof(ProtectionSpecification<>), nameof(ProtectionSpecification<>.A_link_to_an_event_that_does_not_match_is_not_read))]
internal sealed class RemembersFirstContent(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    private readonly ConcurrentDictionary<string, ReadOnlyMemory<byte>> first = new(StringComparer.Ordinal);

    public override async ValueTask<NamedDocument?> FindDocumentAsync(string name, CancellationToken cancellationToken = default) =>
        await Inner.FindDocumentAsync(name, cancellationToken) is { } found
            ? new NamedDocument(name, found.Version, first.GetOrAdd(name, found.Content))
            : null;
}
