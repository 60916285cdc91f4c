using System.Collections.Concurrent;
using System.Reflection;
using Dapper;
using Npgsql;

// Dapper's calls are turned into code at build time, which asks for three things: a time limit at every call, since none would mean no
// limit; reads as streams of rows, which can be canceled; and bytes given as an object, since an array would become a list of parameters.
[module: DapperAot]

namespace EventStore.Postgres;

/// <summary>The statements of the folder Sql, one a file, made for one schema.</summary>
internal sealed class PostgresSql(string schema)
{
    private readonly ConcurrentDictionary<string, string> texts = new();

    /// <summary>The schema's name, as it is.</summary>
    public string Schema => schema;

    /// <summary>The schema's name, as statements write it.</summary>
    public string QuotedSchema { get; } = "\"" + schema.Replace("\"", "\"\"", StringComparison.Ordinal) + "\"";

    /// <summary>A statement, with its places filled in.</summary>
    /// <param name="name">The name of its file.</param>
    /// <param name="places">What stands in braces, and what is to stand there; never anything that a user gave.</param>
    public string Load(string name, params ReadOnlySpan<(string Place, string Text)> places)
    {
        var text = texts.GetOrAdd(name, Read);
        foreach (var (place, filling) in places) text = text.Replace($"{{{place}}}", filling, StringComparison.Ordinal);
        return places.IsEmpty ? text : text.Replace("{schema}", QuotedSchema, StringComparison.Ordinal);
    }

    /// <summary>A parameter without a name, for statements that count them.</summary>
    public static NpgsqlParameter<T> Value<T>(T value) => new() { TypedValue = value };

    private string Read(string name)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"There is no statement '{Names.Printable(name)}'.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().Trim().Replace("{schema}", QuotedSchema, StringComparison.Ordinal);
    }
}
