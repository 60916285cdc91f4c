using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using EventStore.Pipeline;

namespace EventStore.Streams;

/// <summary>
/// Where the next page of a query begins, as text. It names its query by a fingerprint, so that another query's token is refused, and never
/// reaches beyond the query. Where the store has a signing key, a token that was changed is refused too.
/// </summary>
/// <param name="Position">Where the next page begins: forward after it, backward up to it.</param>
/// <param name="Bound">The head when the first page was read.</param>
internal readonly record struct ContinuationToken(Checkpoint Position, Checkpoint Bound)
{
    private const string Version = "1";

    public string Write(EventQuery query, ReadOnlySpan<byte> key) =>
        string.Create(CultureInfo.InvariantCulture, $"{Version}-{Position.Value:x}-{Bound.Value:x}-{Authenticate(query, key)}");

    /// <exception cref="ArgumentException">The text is no token, or one of another query.</exception>
    public static ContinuationToken Read(string continuation, EventQuery query, ReadOnlySpan<byte> key)
    {
        var parts = continuation.Split('-');
        if (parts.Length != 4 || parts[0] != Version || !TryParse(parts[1], out var position) || !TryParse(parts[2], out var bound))
            throw Refused();
        var token = new ContinuationToken(new Checkpoint(position), new Checkpoint(bound));
        var isAuthentic = CryptographicOperations.FixedTimeEquals(
            Encoding.UTF8.GetBytes(token.Authenticate(query, key)), Encoding.UTF8.GetBytes(parts[3]));
        return isAuthentic && position >= query.After.Value && position <= bound && bound <= query.UpTo.Value ? token : throw Refused();
    }

    private static bool TryParse(string text, out long number) =>
        long.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out number) && number >= 0;

    private static ArgumentException Refused() => new(
        "The continuation token is not one of this query. Pass the token of the page before, with the same query.", "continuation");

    // The query's fingerprint. With a key, also a signature of the positions.
    private string Authenticate(EventQuery query, ReadOnlySpan<byte> key)
    {
        var text = new StringBuilder();
        var since = query.Since?.UtcTicks.ToString(CultureInfo.InvariantCulture);
        var condition = query.Condition is null ? null : Conditions.TextOf(query.Condition);
        foreach (var part in (ReadOnlySpan<string?>)[query.Bucket, query.Category, query.Id, since, condition]) Append(part);
        foreach (var type in query.EventTypes?.Order(StringComparer.Ordinal) ?? Enumerable.Empty<string>()) Append(type);
        text.Append(CultureInfo.InvariantCulture, $"{query.EventTypes is null}|{query.After}|{query.UpTo}|{query.Direction}");
        if (!key.IsEmpty) text.Append(CultureInfo.InvariantCulture, $"|{Position}|{Bound}");
        var described = Encoding.UTF8.GetBytes(text.ToString());
        return key.IsEmpty
            ? Convert.ToHexStringLower(SHA256.HashData(described).AsSpan(0, 8))
            : Convert.ToHexStringLower(HMACSHA256.HashData(key, described).AsSpan(0, 16));

        void Append(string? part) => text.Append(CultureInfo.InvariantCulture, $"{part?.Length ?? -1}:{part}|");
    }
}
