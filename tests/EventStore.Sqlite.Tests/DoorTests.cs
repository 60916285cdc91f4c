using System.Diagnostics;

namespace EventStore.Sqlite.Tests;

/// <summary>The verbs, the address, the options, what a description says, stores beside one another.</summary>
public sealed class DoorTests : IDisposable
{
    private readonly TestDirectory directory = new();

    public void Dispose() => directory.Dispose();

    [Theory, InlineData(""), InlineData("Upper"), InlineData("9lives"), InlineData("a-b"), InlineData("sqlite_x"), InlineData("a\n"),
        InlineData("a; DROP TABLE x")]
    public void A_name_that_cannot_begin_the_names_of_tables_is_refused(string name) =>
        Assert.Throws<InvalidOptionException>(() =>
            Wireup.Init().UsingSqlitePersistence(directory.Database, new SqliteOptions { Name = name }));

    [Theory, InlineData("Data Source=;"), InlineData("Data Source=x.db;Cache=Shared"), InlineData("Data Source=x.db;Color=Red"),
        InlineData("Data Source=:memory:;Mode=ReadOnly")]
    public void A_connection_string_that_cannot_work_is_refused_without_repeating_it(string text)
    {
        var error = Assert.Throws<WireupException>(() => Wireup.Init().UsingSqlitePersistence(text));
        Assert.DoesNotContain("Red", error.Message, StringComparison.Ordinal);
    }

    [Fact(Timeout = 60_000)]
    public async Task What_is_no_file_is_refused_with_what_it_is()
    {
        var folder = Directory.CreateDirectory(Path.Combine(directory.Path, "folder")).FullName;
        var pipe = Path.Combine(directory.Path, "pipe");
        if (OperatingSystem.IsLinux()) await Process.Start("mkfifo", pipe).WaitForExitAsync(TestContext.Current.CancellationToken);
        (string Path, string Kind)[] places = OperatingSystem.IsLinux()
            ? [(folder, "a directory"), (pipe, "a named pipe"), ("/dev/null", "a device")]
            : [(folder, "a directory")];
        foreach (var (path, kind) in places)
        {
            Func<Task>[] members =
            [
                () => OpenAsync($"sqlite:{path}", null),
                () => OpenAsync($"sqlite:Data Source={path}", null),
                () => OpenAsync($"sqlite:{path}", new SqliteOptions { IsReadOnly = true }),
                () => SqliteBackup.CreateAsync(path, Path.Combine(directory.Path, "copy.db")),
            ];
            for (var i = 0; i < members.Length; i++)
            {
                var error = await Record.ExceptionAsync(members[i]);
                Assert.True(error?.GetType() == typeof(StorageException), $"member {i} of the list on {path} gave {error}");
                Assert.Contains($"'{path}' is {kind}", error.Message, StringComparison.Ordinal);
            }

            var refused = await Assert.ThrowsAsync<StorageException>(() => SqliteBackup.CreateAsync(directory.Database, path));
            Assert.Contains("is there already", refused.Message, StringComparison.Ordinal);
        }

        static async Task OpenAsync(string address, SqliteOptions? options)
        {
            await using var engine = new EngineCatalogue().AddSqlite(options).Create(address, EngineContext.Default);
            await engine.InitializeAsync();
        }
    }

    [Fact]
    public void Options_out_of_range_are_refused()
    {
        Assert.Throws<InvalidOptionException>(() =>
            new EngineCatalogue().AddSqlite(new SqliteOptions { BusyTimeout = TimeSpan.FromSeconds(-1) }));
        Assert.Throws<InvalidOptionException>(() => new EngineCatalogue().AddSqlite(new SqliteOptions { PollInterval = TimeSpan.Zero }));
        foreach (var address in (string[])["sqlite:", "sqlite: ", "sqlite:a\0b", "sqlite:Data Source=a\0b"])
            Assert.Throws<WireupException>(() => new EngineCatalogue().AddSqlite().Create(address, EngineContext.Default));
        foreach (var database in (string[])["", " ", "a\0b"])
            Assert.Throws<WireupException>(() => Wireup.Init().UsingSqlitePersistence(database));
    }

    [Fact]
    public async Task An_address_chooses_it_by_path_or_connection_string_and_what_is_stored_is_there_again()
    {
        foreach (var address in (string[])[$"sqlite:{directory.Path}/deep/er/orders.db",
            $"sqlite:Data Source={directory.Path}/deep/er/orders.db"])
        {
            await using var store = await Wireup.Init()
                .UsingPersistence(address, engines => engines.AddSqlite(new SqliteOptions { Durability = Durability.Fast }))
                .UsingJsonSerialization(types => types.Register<string>("text"))
                .InitializeStorageEngine()
                .BuildAsync();
            await store.AppendAsync("stream", address);
            var description = store.Describe().Engine;
            Assert.Equal(Durability.Fast, description.Durability.Level);
            Assert.Contains("journal_mode=wal, synchronous=NORMAL, SQLite 3.", description.Durability.Basis, StringComparison.Ordinal);
        }

        await using var engine = new EngineCatalogue().AddSqlite()
            .Create($"sqlite:{directory.Path}/deep/er/orders.db", EngineContext.Default);
        await engine.InitializeAsync();
        Assert.Equal(2, (await engine.FindHeadAsync("stream"))!.Revision.Value);
        Assert.Equal(Durability.Durable, engine.Description.Durability.Level);
        Assert.Contains("synchronous=FULL", engine.Description.Durability.Basis, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_connection_string_that_makes_no_file_and_one_with_a_password_are_refused_with_a_sentence_and_no_secret()
    {
        foreach (var rest in (string[])["Mode=ReadWrite", "Password=open-sesame"])
        {
            await using var engine = new EngineCatalogue().AddSqlite()
                .Create($"sqlite:Data Source={directory.Database};{rest}", EngineContext.Default);
            var refused = await Assert.ThrowsAnyAsync<StorageException>(async () => await engine.InitializeAsync());
            Assert.DoesNotContain("open-sesame", refused.ToString() + engine.Description, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Memory_says_that_it_is_volatile_and_belongs_to_one_engine()
    {
        await using var first = new EngineCatalogue().AddSqlite().Create("sqlite::memory:", EngineContext.Default);
        await using var second = new EngineCatalogue().AddSqlite().Create("sqlite:Data Source=any;Mode=Memory", EngineContext.Default);
        await first.InitializeAsync();
        await second.InitializeAsync();
        await first.AppendAsync("stream", "body");
        Assert.Null(await second.FindHeadAsync("stream"));
        Assert.Equal((Durability.Volatile, EngineCapabilities.None), (first.Description.Durability.Level, first.Description.Capabilities));
    }

    // What Dapper does at run time needs reflection and code made there, which a trimmed or native program lacks. A call that is turned
    // into code at build time leaves no reference behind.
    [Fact]
    public void Every_call_of_Dapper_is_turned_into_code_at_build_time() =>
        Assert.DoesNotContain("Dapper",
            typeof(SqlitePersistenceEngine).Assembly.GetReferencedAssemblies().Select(reference => reference.Name));

    // Before 3.51.3, two connections that write and move the log at one moment could damage it.
    [Fact]
    public async Task The_description_names_the_SQLite_of_the_package_which_is_not_older_than_what_several_processes_need()
    {
        await using var engine = await directory.OpenAsync();
        var version = (string)directory.Run("SELECT sqlite_version()")!;
        Assert.EndsWith($"SQLite {version}", engine.Description.Durability.Basis, StringComparison.Ordinal);
        Assert.True(Version.Parse(version) >= new Version(3, 51, 3), $"SQLite {version}");
    }

    [Fact]
    public async Task Stores_of_two_names_share_a_database_without_seeing_each_other()
    {
        await using var first = await directory.OpenAsync(new SqliteOptions { Name = "first" });
        await using var second = await directory.OpenAsync(new SqliteOptions { Name = "second" });
        await first.AppendAsync("stream", "a");
        Assert.Null(await second.FindHeadAsync("stream"));
        Assert.Equal(1, (await second.AppendAsync("stream", "b")).FirstCheckpoint.Value);
        await first.PurgeAllAsync();
        Assert.Equal(["b"], await second.ReadAsync("stream"));
    }

    [Fact]
    public async Task Tables_of_others_in_the_database_stay_as_they_are()
    {
        directory.Run("CREATE TABLE mine (a); INSERT INTO mine VALUES (42);");
        await using (var engine = await directory.OpenAsync()) await engine.AppendAsync("stream", "a");
        Assert.Equal(42L, directory.Run("SELECT a FROM mine"));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_commit_through_one_engine_wakes_who_waits_at_another()
    {
        await using var writer = await directory.OpenAsync();
        await using var waiter = await directory.OpenAsync(new SqliteOptions { PollInterval = TimeSpan.FromMilliseconds(5) });
        var waiting = waiter.WaitForCommitsAsync(new Checkpoint(0), TimeSpan.FromMinutes(5)).AsTask();
        await Task.Delay(20);
        Assert.False(waiting.IsCompleted);
        await writer.AppendAsync("stream", "body");
        await waiting;
    }

    [Fact]
    public async Task The_row_of_the_readme_is_the_description()
    {
        var root = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(root, "EventStore.slnx"))) root = Path.GetDirectoryName(root)!;
        await using var engine = await directory.OpenAsync();
        Assert.Contains(Conformance.DescriptionTable.RowOf(engine.Description, "sqlite"),
            await File.ReadAllLinesAsync(Path.Combine(root, "README.md")));
    }
}
