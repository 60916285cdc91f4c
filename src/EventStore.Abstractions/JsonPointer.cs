namespace EventStore;

/// <summary>The form of a JSON pointer (RFC 6901): empty, or names after slashes; ~1 is a slash and ~0 a tilde in a name.</summary>
internal static class JsonPointer
{
    /// <exception cref="ArgumentException">The text has another form.</exception>
    public static string Require(string pointer)
    {
        Engines.Names.RequireWellFormed(pointer, nameof(pointer));
        for (var at = pointer.IndexOf('~', StringComparison.Ordinal); at >= 0; at = pointer.IndexOf('~', at + 1))
        {
            if (at + 1 == pointer.Length || pointer[at + 1] is not ('0' or '1'))
                throw new ArgumentException("A tilde in a JSON pointer is written as ~0, and a slash in a name as ~1.", nameof(pointer));
        }

        return pointer.Length == 0 || pointer[0] == '/'
            ? pointer
            : throw new ArgumentException(
                "A JSON pointer is empty or begins with a slash, such as /order/total (RFC 6901).", nameof(pointer));
    }
}
