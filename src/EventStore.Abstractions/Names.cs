using System.Buffers;
using System.ComponentModel;
using System.Globalization;
using System.Text;

namespace EventStore.Engines;

/// <summary>The rule for all stored names: not empty unless allowed, well-formed Unicode, no NUL, limited in UTF-8 bytes.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class Names
{
    /// <summary>Longest name of a consumer or a read stream, in UTF-8 bytes.</summary>
    public const int MaxFeatureBytes = 900;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
    private static readonly SearchValues<char> SpecialInPaths = SearchValues.Create("/%");

    /// <summary>Returns a name that follows the rule.</summary>
    /// <param name="name">The name.</param>
    /// <param name="what">What it names, for messages.</param>
    /// <param name="maxBytes">Its longest form in UTF-8.</param>
    /// <param name="mayBeEmpty">Whether the empty name is a name.</param>
    /// <exception cref="InvalidNameException">It is empty, too long or ill-formed.</exception>
    public static string Require(string name, string what, int maxBytes, bool mayBeEmpty = false)
    {
        ArgumentNullException.ThrowIfNull(name, what);
        if (IsPlain(name, maxBytes)) return name;
        if (name.Length == 0 && !mayBeEmpty)
            throw new InvalidNameException(what, "is empty", "give it at least one character");
        if (name.Contains('\0', StringComparison.Ordinal))
            throw new InvalidNameException(what, "contains a NUL character", "remove it");

        var bytes = CountBytes(name)
            ?? throw IllFormed(what);
        if (bytes > maxBytes)
            throw new InvalidNameException(what, $"takes {bytes} bytes in UTF-8, more than the limit of {maxBytes}", "shorten it");
        return name;
    }

    /// <summary>Returns the name of a consumer or a read stream.</summary>
    /// <exception cref="InvalidNameException">It is empty, takes more than 900 bytes in UTF-8, or is ill-formed.</exception>
    public static string RequireFeature(string name, string what) => Require(name, what, MaxFeatureBytes);

    /// <summary>Returns a text that has a UTF-8 form, of any length.</summary>
    /// <exception cref="InvalidNameException">It contains half of a surrogate pair.</exception>
    public static string RequireWellFormed(string text, string what)
    {
        ArgumentNullException.ThrowIfNull(text, what);
        if (Ascii.IsValid(text) || CountBytes(text) is not null) return text;
        throw IllFormed(what);
    }

    /// <summary>
    /// A text for a message or a log, on one line. Characters that control a terminal or end a line are written as escapes, such as
    /// <c>\u000A</c>.
    /// </summary>
    public static string Printable(string? text)
    {
        if (text is null || !text.AsSpan().ContainsAnyExceptInRange(' ', '~')) return text ?? "";
        var shown = new StringBuilder(text.Length + 16);
        foreach (var character in text)
        {
            if (IsPrintable(character)) shown.Append(character);
            else shown.Append(CultureInfo.InvariantCulture, $"\\u{(int)character:X4}");
        }

        return shown.ToString();
    }

    /// <summary>A part of a path of names: a slash, a percent sign and what is not printable are percent-encoded.</summary>
    internal static string PathPart(string name)
    {
        if (!name.AsSpan().ContainsAny(SpecialInPaths) && !name.AsSpan().ContainsAnyExceptInRange(' ', '~')) return name;
        var shown = new StringBuilder(name.Length + 16);
        Span<byte> bytes = stackalloc byte[4];
        foreach (var rune in name.EnumerateRunes())
        {
            if (!SpecialInPaths.Contains(rune.ToString()[0]) && (!rune.IsBmp || IsPrintable((char)rune.Value)))
            {
                shown.Append(rune.ToString());
                continue;
            }

            foreach (var part in bytes[..rune.EncodeToUtf8(bytes)]) shown.Append(CultureInfo.InvariantCulture, $"%{part:X2}");
        }

        return shown.ToString();
    }

    // Line ends, control characters, and the characters that change the direction of what follows.
    private static bool IsPrintable(char character) => CharUnicodeInfo.GetUnicodeCategory(character) is not (UnicodeCategory.Control
        or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);

    private static InvalidNameException IllFormed(string what) =>
        new(what, "contains half of a surrogate pair, which has no UTF-8 form", "use well-formed Unicode");

    private static int? CountBytes(string text)
    {
        try
        {
            return StrictUtf8.GetByteCount(text);
        }
        catch (EncoderFallbackException)
        {
            return null;
        }
    }

    // Most names are ASCII, whose length needs no encoder. Names are checked for each event that is read, so this must be fast.
    private static bool IsPlain(string name, int maxBytes) =>
        name.Length > 0 && name.Length <= maxBytes && !name.AsSpan().ContainsAnyExceptInRange('\u0001', '\u007F');
}
