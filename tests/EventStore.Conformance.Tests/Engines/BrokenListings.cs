namespace EventStore.Conformance.Tests.Engines;

/// <summary>Lists documents by a prefix that has no UTF-8 form, as a driver does that replaces what it cannot encode (G1).</summary>
[CaughtBy(typeof(IdentitySpecification<>), nameof(IdentitySpecification<>.Ill_formed_names_to_look_for_are_refused_and_reads_go_on))]
internal sealed class ListsByIllFormedPrefixes(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override ValueTask<IReadOnlyList<NamedDocument>> ListDocumentsAsync(
        string prefix, string after, int limit, CancellationToken cancellationToken = default) =>
        Inner.ListDocumentsAsync(Replaced(prefix), Replaced(after), limit, cancellationToken);

    private static string Replaced(string name) =>
        new([.. name.Select(one => char.IsSurrogate(one) || one == '\0' ? '\ufffd' : one)]);
}

/// <summary>Purges the bucket whose name remains when what has no UTF-8 form is replaced (G1, G46).</summary>
[CaughtBy(typeof(IdentitySpecification<>), nameof(IdentitySpecification<>.Ill_formed_names_to_look_for_are_refused_and_reads_go_on))]
internal sealed class PurgesIllFormedBuckets(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override ValueTask PurgeBucketAsync(string bucket, CancellationToken cancellationToken = default) =>
        Inner.PurgeBucketAsync(new string([.. bucket.Where(one => !char.IsSurrogate(one) && one != '\0')]) + "?", cancellationToken);
}
