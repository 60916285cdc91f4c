using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using EventStore.Pipeline;

namespace EventStore.Streams;

/// <summary>
/// Where the next page of a query begins, as text. It names its query by a fingerprint, so that another query's token is refused.
/// </summary>
/// <param name="Position">Where the next page begins: forward after it, backward up to it.</param>
/// <param name="Bound">The head when the first page was read.</param>
internal readonly record struct ContinuationToken(Checkpoint Position, Checkpoint Bound)
{
    private const string Version = "1";

    public string Write(EventQuery query) =>
        string.Create(CultureInfo.InvariantCulture, $"{Version}-{Position.Value:x}-{Bound.Value:x}-{Fingerprint(query)}");

    /// <exception cref="ArgumentException">The text is no token, or one of another query.</exception>
    public static ContinuationToken Read(string continuation, EventQuery query)
    {
        var parts = continuation.Split('-');
        if (parts.Length != 4 || parts[0] != Version || parts[3] != Fingerprint(query)
            || !long.TryParse(parts[1], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var position) || position < 0
            || !long.TryParse(parts[2], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var bound) || bound < 0)
        {
            throw new ArgumentException(
                "The continuation token is not one of this query. Pass the token of the page before, with the same query.",
                nameof(continuation));
        }

        return new(new Checkpoint(position), new Checkpoint(bound));
    }

    private static string Fingerprint(EventQuery query)
    {
        var text = new StringBuilder();
        var since = query.Since?.UtcTicks.ToString(CultureInfo.InvariantCulture);
        var condition = query.Condition is null ? null : Conditions.TextOf(query.Condition);
        foreach (var part in (ReadOnlySpan<string?>)[query.Bucket, query.Category, query.Id, since, condition]) Append(part);
        foreach (var type in query.EventTypes?.Order(StringComparer.Ordinal) ?? Enumerable.Empty<string>()) Append(type);
        text.Append(CultureInfo.InvariantCulture, $"{query.EventTypes is null}|{query.After}|{query.UpTo}|{query.Direction}");
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())).AsSpan(0, 8));

        void Append(string? part) => text.Append(CultureInfo.InvariantCulture, $"{part?.Length ?? -1}:{part}|");
    }
}
