using EventStore.Conformance;

namespace EventStore.Tests;

/// <summary>The README's table of backends equals the engine's description.</summary>
public sealed class ReadmeTests
{
    [Fact]
    public async Task The_row_of_the_in_memory_engine_is_its_description()
    {
        var root = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(root, "EventStore.slnx"))) root = Path.GetDirectoryName(root)!;
        var lines = await File.ReadAllLinesAsync(Path.Combine(root, "README.md"));
        await using var engine = new EngineCatalogue().AddInMemory().Create("memory:", EngineContext.Default);
        Assert.Contains(DescriptionTable.Header, lines);
        Assert.Contains(DescriptionTable.RowOf(engine.Description, "memory"), lines);
    }

    [Fact]
    public async Task Each_capability_is_a_column_of_the_table()
    {
        await using var engine = new EngineCatalogue().AddInMemory().Create("memory:", EngineContext.Default);
        var rows = Enum.GetValues<EngineCapabilities>()
            .Select(capability => DescriptionTable.RowOf(engine.Description with { Capabilities = capability }, "memory")).ToList();
        Assert.Equal(rows.Count, rows.Distinct().Count());
        Assert.All(rows, row => Assert.Equal(DescriptionTable.Header.Count(sign => sign == '|'), row.Count(sign => sign == '|')));
    }
}
