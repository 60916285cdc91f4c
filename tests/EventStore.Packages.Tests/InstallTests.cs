using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace EventStore.Packages.Tests;

/// <summary>New applications that install the packages into an empty cache, are built, and run.</summary>
public sealed partial class InstallTests(PackedSolution packed)
{
    [Fact]
    public async Task The_code_of_the_readme_runs_on_files_with_one_package_installed()
    {
        var readme = await File.ReadAllTextAsync(Repository.PathOf("README.md"), TestContext.Current.CancellationToken);
        var code = FirstBlock().Match(readme).Groups["code"].Value;
        const string InMemory = ".UsingInMemoryPersistence()", OnFiles = ".UsingFileSystemPersistence(\"data\").InitializeStorageEngine()";
        Assert.Contains(InMemory, code, StringComparison.Ordinal);
        var application = new Application(packed, "Quickstart").WithProject("Microsoft.NET.Sdk", ["EventStore.FileSystem"])
            .WithSource("Program.cs", "using EventStore;\n" + code.Replace(InMemory, OnFiles, StringComparison.Ordinal));
        await application.BuildAsync();
        Assert.Equal(
            [
                "1: ItemAdded { Product = coffee, Count = 2 }",
                "2: ItemAdded { Product = cake, Count = 1 }",
                "3: OrderPaid { Amount = 11.50 }",
            ],
            (await application.RunAsync()).Trim().Split('\n'));
        Assert.NotEmpty(Directory.EnumerateFiles(Path.Combine(application.Folder, "data", "events", "log")));
    }

    [Fact]
    public async Task A_web_application_on_sqlite_has_its_events_after_a_restart()
    {
        var application = new Application(packed, "Orders").WithProject("Microsoft.NET.Sdk.Web", ["EventStore.Sqlite"])
            .WithSourcesOf("tests/EventStore.Packages.Tests/Applications/Orders");
        await application.BuildAsync();
        await using (var first = await WebProcess.StartAsync(application))
        {
            Assert.Equal("1", await first.PostAsync("/orders/42", """{"product":"coffee","count":1}"""));
            Assert.Equal("2", await first.PostAsync("/orders/42", """{"product":"cake","count":1}"""));
        }

        await using var second = await WebProcess.StartAsync(application);
        Assert.Equal("""[{"product":"coffee","count":1},{"product":"cake","count":1}]""", await second.GetAsync("/orders/42"));
    }

    [Fact]
    public async Task A_decider_is_tested_and_executed_by_its_packages()
    {
        var application = new Application(packed, "Deciders")
            .WithProject("Microsoft.NET.Sdk", ["EventStore.Domain", "EventStore.Testing"])
            .WithSource("Program.cs", """
                using EventStore;
                using EventStore.Testing;

                var decider = new Decider<int, string>(0, (item, count) => [new Added($"{item} {count + 1}")], (count, _) => count + 1);
                decider.Given(new Added("coffee 1")).When("cake").Then(new Added("cake 2")).ThenState(2);
                await using var store = await Wireup.Init().UsingInMemoryPersistence()
                    .UsingJsonSerialization(types => types.Register<Added>("added")).BuildAsync();
                var context = CommandContext.Of(Guid.NewGuid());
                for (var i = 0; i < 2; i++) await store.ExecuteAsync("cart", decider, "coffee", context);
                Console.WriteLine(await store.LoadAsync("cart", decider));

                internal sealed record Added(string Item);
                """);
        await application.BuildAsync();
        Assert.Equal("LoadedState { State = 1, Revision = 1 }", (await application.RunAsync()).Trim());
    }

    [Fact]
    public async Task The_author_of_a_backend_proves_it_by_the_kit_from_its_package()
    {
        var application = new Application(packed, "OwnBackend")
            .WithProject(
                "Microsoft.NET.Sdk", ["EventStore.Conformance", $"xunit.v3/{VersionOf("xunit.v3")}"],
                items: """<Using Include="EventStore" /><Using Include="Xunit" />""")
            .WithSourcesOf("samples/OwnBackend");
        await application.BuildAsync();
        string[] some = ["Commits", "Completeness", "Documents", "Streams"];
        var output = await application.RunAsync(some.SelectMany(name => (string[])["-class", $"OwnBackend.{name}"]));
        var counted = Summary().Match(output);
        Assert.True(counted.Success, output);
        Assert.InRange(int.Parse(counted.Groups["total"].ValueSpan), 30, int.MaxValue);
    }

    private static string VersionOf(string package) =>
        (string)XDocument.Load(Repository.PathOf("Directory.Packages.props")).Descendants("PackageVersion")
            .Single(element => (string?)element.Attribute("Include") == package).Attribute("Version")!;

    [GeneratedRegex("```csharp\n(?<code>.*?)```", RegexOptions.Singleline)]
    private static partial Regex FirstBlock();

    [GeneratedRegex(@"Total: (?<total>\d+), Errors: 0, Failed: 0, Skipped: 0")]
    private static partial Regex Summary();
}
