using EventStore.TestServers;

namespace EventStore.Packages.Tests;

/// <summary>How a program is published.</summary>
public enum Publishing
{
    /// <summary>Self-contained, without what is not used.</summary>
    Trimmed,

    /// <summary>Compiled ahead of time into one native program.</summary>
    Native,
}

/// <summary>The program of <c>Applications/AllBackends</c>, published with some backends, and what it must print on each of them.</summary>
internal static class Published
{
    /// <summary>Every backend: its address's scheme, its package, and the call that makes it known.</summary>
    public static readonly IReadOnlyDictionary<string, (string Package, string Call)> Backends = new Dictionary<string, (string, string)>
    {
        ["memory"] = ("EventStore", "AddInMemory()"),
        ["file"] = ("EventStore.FileSystem", "AddFileSystem(new() { Name = name })"),
        ["sqlite"] = ("EventStore.Sqlite", "AddSqlite(new() { Name = name })"),
        ["postgres"] = ("EventStore.Postgres", "AddPostgres(new() { Schema = name })"),
        ["redis"] = ("EventStore.Redis", "AddRedis(new() { Name = name })"),
        ["mongodb"] = ("EventStore.Mongo", "AddMongo(new() { Name = name })"),
    };

    private const string Printed = """
        committed to 2
        conflict at 2, see troubleshooting.md#concurrencyexception
        stream 1 ItemAdded { Product = coffee, Count = 2 }
        stream 2 ItemAdded { Product = cake, Count = 1 }
        all default//order-1 1 ItemAdded { Product = coffee, Count = 2 }
        all default//order-1 2 ItemAdded { Product = cake, Count = 1 }
        all default//order-2 1 OrderPaid { Amount = 11.5 }
        snapshot OrderState { Items = 3 }
        decided OrderState { Items = 6 }
        consumer 3
        deleted True
        left default//order-2 OrderPaid { Amount = 11.5 }
        """;

    private const string EachWarning = "<TrimmerSingleWarn>false</TrimmerSingleWarn>";
    private const string Native = "<PublishAot>true</PublishAot>";
    private const string Trimmed = "<PublishTrimmed>true</PublishTrimmed><SelfContained>true</SelfContained>";

    // Its driver finds much of itself by reflection: these assemblies are kept whole.
    private const string RootsOfMongo =
        """<TrimmerRootAssembly Include="MongoDB.Bson" /><TrimmerRootAssembly Include="MongoDB.Driver" />""";

    /// <summary>Publishes the program with the packages of some backends.</summary>
    public static async Task<Application> PublishAsync(PackedSolution packed, string name, Publishing publishing, params string[] schemes)
    {
        if (publishing == Publishing.Native) RequireLinker();
        var calls = schemes.Select(scheme => $"        engines.{Backends[scheme].Call};");
        var application = new Application(packed, name)
            .WithProject(
                "Microsoft.NET.Sdk",
                schemes.Select(scheme => Backends[scheme].Package).Append("EventStore.Domain"),
                EachWarning + (publishing == Publishing.Native ? Native : Trimmed),
                schemes.Contains("mongodb") ? RootsOfMongo : "")
            .WithSourcesOf("tests/EventStore.Packages.Tests/Applications/AllBackends")
            .WithSource("Engines.cs", $$"""
                using EventStore;
                using EventStore.Engines;

                internal static class Engines
                {
                    public static void Add(EngineCatalogue engines, string name)
                    {
                {{string.Join('\n', calls)}}
                    }
                }
                """);
        await application.PublishAsync();
        var size = $"{publishing} with {string.Join(", ", schemes)}: {application.PublishedMegabytes:F1} MB";
        TestContext.Current.TestOutputHelper?.WriteLine(size);
        return application;
    }

    /// <summary>Runs the program on a backend. Skips the test where there is no server for it.</summary>
    public static async Task CheckAsync(Application application, string scheme)
    {
        var name = $"published_{Guid.NewGuid():N}";
        var address = scheme switch
        {
            "memory" => "memory:",
            "file" => $"file:{application.Folder}/{name}",
            "sqlite" => $"sqlite:{application.Folder}/{name}.db",
            "postgres" => "postgres:" + (await SharedServer.Postgres.GetAsync()).Address,
            "redis" => "redis:" + (await SharedServer.Redis.GetAsync()).Address,
            _ => (await SharedServer.Mongo.GetAsync()).Address,
        };
        var expected = scheme == "memory" ? Printed : Printed + "\nreopened default//order-2 OrderPaid { Amount = 11.5 }";
        Assert.Equal(expected, (await application.RunPublishedAsync(address, name)).Trim());
    }

    private static void RequireLinker()
    {
        // Elsewhere the linker comes with the system's development tools, and the SDK says what is missing.
        if (!OperatingSystem.IsLinux()) return;
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        if (!folders.Any(folder => File.Exists(Path.Combine(folder, "clang")) || File.Exists(Path.Combine(folder, "gcc"))))
            throw Absence.Of("There is no clang here, which links programs that are compiled ahead of time. Install clang and zlib1g-dev.");
    }
}
