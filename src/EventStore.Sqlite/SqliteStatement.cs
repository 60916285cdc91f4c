using System.Text;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace EventStore.Sqlite;

/// <summary>
/// A statement that is prepared once and run many times, with parameters and columns by index. Commands of ADO.NET look parameters up by
/// name and make a reader each time. On the hot path that costs as much as the statement itself. Used by one thread at a time.
/// </summary>
internal sealed class SqliteStatement : IDisposable
{
    private const int MaxTextBytesOnStack = 1024;
    private readonly sqlite3 database;
    private readonly sqlite3_stmt statement;

    public SqliteStatement(sqlite3 database, string sql)
    {
        this.database = database;
        Require(raw.sqlite3_prepare_v3(database, sql, raw.SQLITE_PREPARE_PERSISTENT, out statement));
    }

    public SqliteStatement Bind(int parameter, long value)
    {
        Require(raw.sqlite3_bind_int64(statement, parameter, value));
        return this;
    }

    /// <summary>Binds bytes, which are copied; none are a blob of length 0, not NULL.</summary>
    public SqliteStatement Bind(int parameter, ReadOnlySpan<byte> value)
    {
        Require(value.IsEmpty ? raw.sqlite3_bind_zeroblob(statement, parameter, 0) : raw.sqlite3_bind_blob(statement, parameter, value));
        return this;
    }

    public SqliteStatement Bind(int parameter, string value)
    {
        var length = Encoding.UTF8.GetByteCount(value);
        var utf8 = length <= MaxTextBytesOnStack ? stackalloc byte[length] : new byte[length];
        Encoding.UTF8.GetBytes(value, utf8);
        Require(length == 0 ? raw.sqlite3_bind_text(statement, parameter, "") : raw.sqlite3_bind_text(statement, parameter, utf8));
        return this;
    }

    /// <summary>Moves to the next row, if there is one. The caller resets the statement when done, also after an error.</summary>
    public bool Step()
    {
        var code = raw.sqlite3_step(statement);
        if (code == raw.SQLITE_ROW) return true;
        if (code != raw.SQLITE_DONE) Require(code);
        return false;
    }

    /// <summary>Runs a statement that returns no rows. Returns how many rows it changed.</summary>
    public int Execute()
    {
        try
        {
            while (Step())
            {
                // A pragma may return a row; what it says is of no interest here.
            }

            return raw.sqlite3_changes(database);
        }
        finally
        {
            Reset();
        }
    }

    public long Number(int column) => raw.sqlite3_column_int64(statement, column);

    /// <summary>The bytes of a blob, valid until the next step.</summary>
    public ReadOnlySpan<byte> Bytes(int column) => raw.sqlite3_column_blob(statement, column);

    /// <summary>A text, whatever the encoding of the database. NULL, which only a damaged row holds, is an empty one.</summary>
    public string Text(int column) => raw.sqlite3_column_text(statement, column).utf8_to_string() ?? "";

    public Guid Id(int column)
    {
        var bytes = Bytes(column);
        return bytes.Length == 16 ? new Guid(bytes, bigEndian: true) : default;
    }

    // The code is that of the step, which was reported before.
    public void Reset() => raw.sqlite3_reset(statement);

    public void Dispose() => statement.Dispose();

    private void Require(int code) => SqliteException.ThrowExceptionForRC(code, database);
}
