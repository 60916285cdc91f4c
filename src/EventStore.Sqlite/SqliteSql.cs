using System.Collections.Concurrent;
using Dapper;

[module: DapperAot]
[module: StrictTypes]

namespace EventStore.Sqlite;

/// <summary>
/// The statements of <c>Sql/*.sql</c>, one a file, for the tables of one store. Calls of Dapper with them are turned into code at build
/// time. Bytes are given as an object, since an array would become a list of parameters. Columns are named beside each query, so that none
/// is looked up by name and type at each run.
/// </summary>
internal sealed class SqliteSql(string store)
{
    private readonly ConcurrentDictionary<string, string> statements = [];

    /// <summary>The statement of a file, named without its ending.</summary>
    public string this[string file] => statements.GetOrAdd(file, Load, store);

    /// <summary>The name of one of the store's tables.</summary>
    public string Table(string table) => $"{store}_{table}";

    private static string Load(string file, string store)
    {
        using var stream = typeof(SqliteSql).Assembly.GetManifestResourceStream(file + ".sql")
            ?? throw new ArgumentException($"There is no Sql/{file}.sql.", nameof(file));
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().ReplaceLineEndings("\n").Trim().Replace("{name}", store, StringComparison.Ordinal);
    }
}
