using System.Text;

namespace EventStore.Engines;

/// <summary>The rule for all stored names: not empty unless allowed, well-formed Unicode, no NUL, limited in UTF-8 bytes.</summary>
internal static class Names
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static string Require(string name, string what, int maxBytes, bool mayBeEmpty = false)
    {
        ArgumentNullException.ThrowIfNull(name, what);
        if (IsPlain(name, maxBytes)) return name;
        if (name.Length == 0 && !mayBeEmpty)
            throw new InvalidNameException(what, "is empty", "give it at least one character");
        if (name.Contains('\0', StringComparison.Ordinal))
            throw new InvalidNameException(what, "contains a NUL character", "remove it");

        int bytes;
        try
        {
            bytes = StrictUtf8.GetByteCount(name);
        }
        catch (EncoderFallbackException)
        {
            throw new InvalidNameException(what, "contains half of a surrogate pair, which has no UTF-8 form", "use well-formed Unicode");
        }

        if (bytes > maxBytes)
            throw new InvalidNameException(what, $"takes {bytes} bytes in UTF-8, more than the limit of {maxBytes}", "shorten it");
        return name;
    }

    /// <summary>
    /// Checks a name that something is looked for by; null asks for none. A name that nothing can have is refused: drivers of databases
    /// replace what has no UTF-8 form, or fail in the middle of a message.
    /// </summary>
    public static string? RequireSought(string? name, string what, int maxBytes) =>
        name is null ? null : Require(name, what, maxBytes, mayBeEmpty: true);

    // Most names are ASCII, whose length needs no encoder. Names are checked for each event that is read, so this must be fast.
    private static bool IsPlain(string name, int maxBytes) =>
        name.Length > 0 && name.Length <= maxBytes && !name.AsSpan().ContainsAnyExceptInRange('\u0001', '\u007F');
}
