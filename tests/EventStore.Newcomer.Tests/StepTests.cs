namespace EventStore.Newcomer;

/// <summary>The steps of the first pages, carried out as they stand.</summary>
public sealed class StepTests(Machine machine)
{
    private const string Readme = "README.md";
    private const string GettingStarted = "docs/getting-started.md";

    // Each has a test that carries out its commands.
    private static readonly string[] PagesWithCommands = [Readme, GettingStarted, CopyTests.Page];

    [Fact]
    public async Task The_commands_of_the_readme_succeed()
    {
        Assert.SkipUnless(Path.Exists(Repository.PathOf(".git")), "The samples read the history of the repository; this is not a clone.");
        foreach (var block in Block.On(Readme, "sh")) await machine.RunAsync(Repository.Root, Within(block));
    }

    [Fact]
    public async Task The_code_of_the_readme_prints_what_the_readme_says()
    {
        var program = Repository.PathOf("artifacts/bin/Quickstart/release/Quickstart.dll");
        Assert.SkipUnless(File.Exists(program), $"{program} is not built.");
        var printed = await machine.RunAsync(Repository.Root, $"command dotnet '{program}'", Readme);
        Assert.Equal(Block.On(Readme, "")[0].Text, printed.Trim());
    }

    [Fact]
    public async Task The_steps_of_getting_started_lead_to_what_the_page_says()
    {
        var (commands, code, output) = (Block.On(GettingStarted, "sh"), Block.On(GettingStarted, "csharp"), Block.On(GettingStarted, ""));
        Assert.Equal((2, 1, 1), (commands.Count, code.Count, output.Count));
        await machine.RunAsync(Repository.Root, commands[0]);
        var folder = machine.MakeFolder("empty");
        await machine.RunAsync(folder, commands[1]);
        var application = Path.Combine(folder, "Orders");
        await File.WriteAllTextAsync(Path.Combine(application, "Program.cs"), code[0].Text, TestContext.Current.CancellationToken);

        Assert.Equal(output[0].Text, (await machine.RunAsync(application, "dotnet run", GettingStarted)).Trim());
        Assert.StartsWith("stored revisions 4 to 5\n",
            await machine.RunAsync(application, "dotnet run", GettingStarted), StringComparison.Ordinal);
        Assert.Contains("Sales { Orders = 2, Revenue = 21.00 }",
            await machine.RunAsync(application, "dotnet run -- 43", GettingStarted), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_page_with_commands_is_carried_out() => Assert.Equal(
        PagesWithCommands.Order(StringComparer.Ordinal),
        Block.StepPages.Where(page => Block.On(page, "sh").Count > 0).Order(StringComparer.Ordinal));

    [Fact]
    public void Every_exemption_stands_on_a_page()
    {
        var commands = Block.StepPages.SelectMany(page => Block.On(page, "sh")).SelectMany(block => block.Commands()).ToList();
        Assert.All(Exemptions.Reasons.Keys,
            beginning => Assert.Contains(commands, command => command.StartsWith(beginning, StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("true\ntouch made # now", true)]
    [InlineData("cd . && \\\n  true", true)]
    [InlineData("true; false", false)]
    [InlineData("false\ntrue", false)]
    [InlineData("no-such-program", false)]
    public async Task A_command_that_fails_is_seen(string text, bool succeeds)
    {
        var block = Assert.Single(Block.Parse("a.md", $"# A\n```sh\n{text}\n```\n"));
        var run = machine.RunAsync(machine.MakeFolder("commands"), block);
        if (succeeds) await run;
        else Assert.Contains("a.md:3", (await Assert.ThrowsAnyAsync<Exception>(() => run)).Message, StringComparison.Ordinal);
    }

    // What the README makes below the repository is made in a folder of this run.
    private Block Within(Block block) =>
        block with { Text = block.Text.Replace("-o packages", $"-o {machine.MakeFolder("readme")}", StringComparison.Ordinal) };
}
