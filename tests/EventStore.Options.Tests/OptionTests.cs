using System.Reflection;

namespace EventStore.Options.Tests;

/// <summary>Each value of each option of each package is refused where it is given, or the store works with it.</summary>
public sealed class OptionTests : IDisposable
{
    private static readonly StreamId Stream = "stream";
    private readonly string place = Directory.CreateTempSubdirectory("options-").FullName;
    private int used;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string> Properties { get; } =
        [.. Product.Options.SelectMany(type => type.GetProperties().Select(property => $"{type.Name}.{property.Name}"))];

    public static TheoryData<string> Parameters { get; } =
    [
        .. from verb in Product.Verbs.Index()
           from parameter in verb.Item.GetParameters().Skip(1)
           where !parameter.ParameterType.IsByRefLike
           select $"{verb.Index} {verb.Item.Name}.{parameter.Name}",
    ];

    public void Dispose() => Directory.Delete(place, recursive: true);

    [Fact]
    public void Every_package_has_its_options_among_those_that_are_tried() => Assert.Equal(
        [
            "ConsumerOptions", "DispatchOptions", "FileSystemOptions", "ImportOptions", "MongoOptions", "PostgresOptions", "RedisOptions",
            "RetentionOptions", "SqliteOptions",
        ],
        Product.Options.Select(type => type.Name).Order(StringComparer.Ordinal));

    [Theory(Timeout = 120_000), MemberData(nameof(Properties))]
    public async Task A_value_of_an_option_is_refused_at_once_by_its_name_or_works(string name)
    {
        var type = Product.Options.Single(type => type.Name == name.Split('.')[0]);
        var property = type.GetProperty(name.Split('.')[1])!;
        foreach (var value in Values.Of(property.PropertyType))
        {
            var options = Activator.CreateInstance(type)!;
            property.SetValue(options, value);
            Func<Task> works;
            try
            {
                works = await GiveAsync(options);
            }
            catch (InvalidOptionException refused)
            {
                Assert.Equal(type.Name, refused.Options);
                Assert.Contains(refused.Property, refused.Message, StringComparison.Ordinal);
                continue;
            }
            var error = await Record.ExceptionAsync(() => works().WaitAsync(TimeSpan.FromSeconds(30), TimeProvider.System, Token));
            Assert.True(error is null, $"{name} = {Show(value)} was accepted, and then failed: {error}");
        }
    }

    [Theory(Timeout = 120_000), MemberData(nameof(Parameters))]
    public void A_value_of_a_parameter_of_the_wireup_is_refused_at_once_with_a_typed_error_or_accepted(string name)
    {
        var verb = Product.Verbs[int.Parse(name.Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture)];
        var parameter = verb.GetParameters().Single(each => each.Name == name.Split('.')[1]);
        var mayBeNull = new NullabilityInfoContext().Create(parameter).WriteState == NullabilityState.Nullable;
        foreach (var value in Values.Of(parameter.ParameterType))
        {
            var arguments = verb.GetParameters().Select(
                each => each == parameter ? value : Values.Sound(each.ParameterType, verb.DeclaringType!, place)).ToArray();
            var error = Record.Exception(() => verb.Invoke(null, BindingFlags.DoNotWrapExceptions, null, arguments, null));
            Assert.True(error is null or ArgumentException or EventStoreException, $"{name} = {Show(value)} gave {error}");
            if (value is null && !mayBeNull)
                Assert.True(error is ArgumentNullException, $"{name} = null gave {error?.ToString() ?? "no error"}");
            if (value is null && mayBeNull && AreAllGiven(verb, arguments)) Assert.Null(error);
            if (value is not null && error is not null)
                Assert.True(error is EventStoreException or InvalidNameException, $"{name} = {Show(value)} gave {error}");
        }
    }

    [Fact]
    public async Task A_long_wait_for_the_storage_is_accepted_and_one_that_is_no_time_refused()
    {
        foreach (var wait in (TimeSpan[])[TimeSpan.Zero, TimeSpan.FromDays(50), TimeSpan.FromDays(3650), TimeSpan.MaxValue])
        {
            await using var store = await Json(Wireup.Init().UsingInMemoryPersistence().OpenReadOnly(wait)).BuildAsync(Token);
            Assert.Empty(await store.ReadAllAsync(cancellationToken: Token).ToListAsync(Token));
        }

        Assert.Throws<InvalidOptionException>(() => Wireup.Init().OpenReadOnly(TimeSpan.FromTicks(-1)));
        Assert.Throws<WireupException>(() => Wireup.Init().SignReadStreamsWith(default));
    }

    // Gives the options to what takes them, and returns what uses them.
    private async Task<Func<Task>> GiveAsync(object options)
    {
        used++;
        switch (options)
        {
            case FileSystemOptions files:
                var onFiles = Wireup.Init().UsingFileSystemPersistence(Path.Combine(place, $"{used}"), files);
                return () => UseAsync(onFiles.InitializeStorageEngine());
            case SqliteOptions sqlite:
                var path = Path.Combine(place, $"{used}.db");
                await UseAsync(Wireup.Init().UsingSqlitePersistence(path).InitializeStorageEngine());
                var onSqlite = Wireup.Init().UsingSqlitePersistence(path, sqlite);
                return sqlite.IsReadOnly
                    ? async () => await (await Json(onSqlite.OpenReadOnly()).BuildAsync(Token)).DisposeAsync()
                    : () => UseAsync(onSqlite.InitializeStorageEngine());
            case PostgresOptions postgres:
                Wireup.Init().UsingPostgresPersistence("Host=localhost", postgres);
                return () => Task.CompletedTask;
            case RedisOptions redis:
                Wireup.Init().UsingRedisPersistence("localhost", redis);
                return () => Task.CompletedTask;
            case MongoOptions mongo:
                Wireup.Init().UsingMongoPersistence("mongodb://localhost", mongo);
                return () => Task.CompletedTask;
            case DispatchOptions dispatch:
                var dispatching = Wireup.Init().UsingInMemoryPersistence().DispatchTo((Commit _, CancellationToken _) => default)
                    .UsingAsynchronousDispatchScheduler(given => Copy(dispatch, given));
                return () => DispatchAsync(dispatching);
            case RetentionOptions retention:
                var keeping = Wireup.Init().UsingInMemoryPersistence().KeepEvents("category", given => Copy(retention, given));
                return () => UseAsync(keeping);
            case ImportOptions import:
                var target = await Json(Wireup.Init().UsingInMemoryPersistence()).BuildAsync(Token);
                var running = await target.Imports.OpenAsync("i", ImportMode.Merge, import, Token);
                return () => ImportAsync(target, running);
            case ConsumerOptions consumer:
                var store = await Json(Wireup.Init().UsingInMemoryPersistence()).BuildAsync(Token);
                await store.AppendAsync(Stream, "text");
                var started = await store.Consumers.StartAsync("c", ConsumerSource.Everything, (_, _) => default, consumer, Token);
                return () => ConsumeAsync(store, started, consumer);
            default:
                throw new InvalidOperationException($"Nothing here takes {options.GetType().Name}. Add what does.");
        }
    }

    private static async Task UseAsync(Wireup wireup)
    {
        await using var store = await Json(wireup).BuildAsync(Token);
        await store.AppendAsync(Stream, "text");
        Assert.NotEmpty((await store.OpenStreamAsync(Stream, cancellationToken: Token)).CommittedEvents);
    }

    private static async Task ImportAsync(IEventStore target, IImport import)
    {
        await using var closing = target;
        await import.AddAsync(new ImportCommit(Stream, Guid.NewGuid(), DateTimeOffset.UnixEpoch, [new EventMessage("text")]), Token);
        Assert.Equal(1, (await import.CompleteAsync(Token)).Commits);
    }

    private static async Task DispatchAsync(Wireup wireup)
    {
        await using var store = await Json(wireup).BuildAsync(Token);
        for (var i = 0; i < 3; i++) await store.AppendAsync(Stream, "text");
        await store.Dispatch.WaitUntilDispatchedAsync(Token);
    }

    private static async Task ConsumeAsync(IEventStore store, IConsumer started, ConsumerOptions options)
    {
        await using var opened = store;
        await using (started)
        {
            var last = await store.AppendAsync(Stream, "text");
            if (!options.StartFrom.Equals(ConsumerStart.AfterCheckpoint(Checkpoint.Max)))
                await started.WaitForAsync(last.LastCheckpoint, Token);
        }

        if (options.StartFrom != default) return; // a place ahead of the store
        await using (await store.Consumers.StartBatchesAsync("b", ConsumerSource.Everything, (_, _) => default, options, Token))
        await using (var pulled = await store.Consumers.OpenAsync("p", ConsumerSource.Everything, options, Token))
            Assert.Equal("p", pulled.Name);
    }

    private static Wireup Json(Wireup wireup) => wireup.UsingJsonSerialization(types => types.Register<string>("text"));

    private static void Copy(object from, object to)
    {
        foreach (var property in from.GetType().GetProperties()) property.SetValue(to, property.GetValue(from));
    }

    // Whether there is a value for every other parameter: some, such as a connection, cannot be made here.
    private static bool AreAllGiven(MethodInfo verb, object?[] arguments) => verb.GetParameters().Zip(arguments).All(
        pair => pair.Second is not null || new NullabilityInfoContext().Create(pair.First).WriteState == NullabilityState.Nullable);

    private static string Show(object? value) => value is string { Length: > 40 } text ? $"{text.Length} characters" : $"{value ?? "null"}";
}
