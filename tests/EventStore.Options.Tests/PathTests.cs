using System.Reflection;
using EventStore.Engines;

namespace EventStore.Options.Tests;

/// <summary>
/// What cannot be a path, an address or a connection string is refused by every public member that takes one, before anything is opened or
/// created: with a typed error that says what was expected.
/// </summary>
public sealed class PathTests : IDisposable
{
    private static readonly string[] Names =
        ["directory", "targetDirectory", "database", "target", "address", "connectionString", "configuration", "scheme", "schema"];

    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    // Null, nothing, blank, a NUL character, half of a surrogate pair.
    private static readonly string?[] Texts = [null, "", " ", "a\0b", "a\ud83d"];

    private readonly string place = Directory.CreateTempSubdirectory("paths-").FullName;

    public void Dispose() => Directory.Delete(place, recursive: true);

    [Fact]
    public void Every_public_member_that_takes_a_path_or_an_address_is_tried()
    {
        var members = from assembly in Product.Assemblies
                      from type in assembly.GetExportedTypes()
                      where !typeof(Exception).IsAssignableFrom(type) && !type.IsInterface && !IsRecord(type)
                      from member in type.GetMembers(Declared).OfType<MethodBase>()
                      from parameter in member.GetParameters()
                      where parameter.ParameterType == typeof(string) && Names.Contains(parameter.Name)
                      select $"{type.Name}.{member.Name}.{parameter.Name}";
        Assert.Equal(members.Distinct().Order(StringComparer.Ordinal), Members().Keys.Order(StringComparer.Ordinal));
    }

    [Fact(Timeout = 120_000)]
    public async Task What_cannot_be_one_is_refused_with_a_typed_error_before_anything_is_touched()
    {
        foreach (var (name, member) in Members())
        {
            foreach (var text in Texts)
            {
                foreach (var call in member(text!))
                {
                    var error = await Record.ExceptionAsync(call);
                    var shown = text is null ? "null" : $"'{text.Replace("\0", "\\0", StringComparison.Ordinal)}'";
                    Assert.True(
                        error is WireupException or InvalidOptionException
                            || (error is ArgumentException refused && refused.ParamName == name.Split('.')[^1]),
                        $"{name} given {shown} gave {error?.ToString() ?? "no error"}");
                    if (text is null) continue;
                    Assert.NotNull(error);
                    Assert.True(error is not ArgumentNullException && error.Message.Length > 40, $"{name} given {shown}: {error.Message}");
                    Assert.Null(error.InnerException);
                }
            }
        }

        Assert.Empty(Directory.EnumerateFileSystemEntries(place));
    }

    // By the names of the member and its parameter. Each is called in every way in which an application reaches it.
    private Dictionary<string, Func<string, Func<Task>[]>> Members()
    {
        var files = new FileSystemStore(Path.Combine(place, "files"));
        var sqlite = Path.Combine(place, "sqlite.db");
        return new()
        {
            ["FileSystemStore..ctor.directory"] = text => [Do(() => new FileSystemStore(text))],
            ["FileSystemStore.BackupAsync.targetDirectory"] = text => [() => files.BackupAsync(text).AsTask()],
            ["FileSystemStore.RepairAsync.targetDirectory"] = text => [() => files.RepairAsync(text).AsTask()],
            ["FileSystemWireupExtensions.UsingFileSystemPersistence.directory"] = text =>
                [Do(() => Wireup.Init().UsingFileSystemPersistence(text))],
            ["SqliteBackup.CreateAsync.database"] = text => [() => SqliteBackup.CreateAsync(text, Path.Combine(place, "copy.db"))],
            ["SqliteBackup.CreateAsync.target"] = text => [() => SqliteBackup.CreateAsync(sqlite, text)],
            ["SqliteWireupExtensions.UsingSqlitePersistence.database"] = text => [Do(() => Wireup.Init().UsingSqlitePersistence(text))],
            ["PostgresWireupExtensions.UsingPostgresPersistence.connectionString"] = text =>
                [Do(() => Wireup.Init().UsingPostgresPersistence(text))],
            ["PostgresSchema.GenerateCreateScript.schema"] = text => [Do(() => PostgresSchema.GenerateCreateScript(text))],
            ["RedisWireupExtensions.UsingRedisPersistence.configuration"] = text => [Do(() => Wireup.Init().UsingRedisPersistence(text))],
            ["MongoWireupExtensions.UsingMongoPersistence.connectionString"] = text =>
                [Do(() => Wireup.Init().UsingMongoPersistence(text))],
            ["EngineCatalogue.Add.scheme"] = text =>
                [Do(() => new EngineCatalogue().Add(text, (_, _) => throw new NotSupportedException()))],
            ["EngineCatalogue.Create.address"] = text =>
                [.. Addresses(text).Select(address => Do(() => All().Create(address, EngineContext.Default)))],
            ["Wireup.UsingPersistence.address"] = text =>
                [.. Addresses(text).Select(address => Build(() => Wireup.Init().UsingPersistence(address, engines => AddAll(engines))))],
            ["ConsumerWireupExtensions.KeepConsumersIn.address"] = text =>
            [
                .. Addresses(text).Select(address => Build(() => Wireup.Init().UsingFileSystemPersistence(Path.Combine(place, "store"))
                    .InitializeStorageEngine().KeepConsumersIn(address, engines => AddAll(engines)))),
            ],
        };
    }

    // Without a scheme, and what follows each scheme.
    private static string[] Addresses(string text) =>
        text is null
            ? [text!]
            : [text, $"file:{text}", $"sqlite:{text}", $"postgres:{text}", $"redis:{text}", $"mongodb:{text}", $"x{text}:"];

    private static EngineCatalogue All() => AddAll(new EngineCatalogue().AddInMemory());

    private static EngineCatalogue AddAll(EngineCatalogue engines) =>
        engines.AddFileSystem().AddSqlite().AddPostgres().AddRedis().AddMongo();

    private static Func<Task> Do(Func<object> call) => () =>
    {
        call();
        return Task.CompletedTask;
    };

    private static Func<Task> Build(Func<Wireup> wire) => async () =>
    {
        await using var store = await wire().UsingJsonSerialization(types => types.Register<string>("text")).BuildAsync();
    };

    // What an engine reports, not what an application gives.
    private static bool IsRecord(Type type) => type.GetMethod("<Clone>$") is not null || type == typeof(StorageHistory);
}
