using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace EventStore.Newcomer;

/// <summary>
/// Compiles code of pages as a reader would use it: statements in a method, types beside it, over the names of the stage.
/// </summary>
internal static class Compiler
{
    private const string Usings = """
        global using System;
        global using System.Collections.Generic;
        global using System.IO;
        global using System.Linq;
        global using System.Threading;
        global using System.Threading.Tasks;
        global using EventStore;
        global using Microsoft.Extensions.DependencyInjection;
        """;

    private static readonly CSharpParseOptions Options = new(LanguageVersion.CSharp14);

    private static readonly Lazy<IReadOnlyList<MetadataReference>> Assemblies = new(() =>
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Select(path => MetadataReference.CreateFromFile(path)),
    ]);

    /// <summary>The errors of some blocks, with page and line.</summary>
    public static IReadOnlyList<string> Errors(IEnumerable<Block> blocks)
    {
        var trees = blocks.Select(Wrap).Append(Usings).Append(Repository.Read("tests/EventStore.Newcomer.Tests/Stage/Stage.cs"))
            .Select(text => CSharpSyntaxTree.ParseText(text, Options));
        var compilation = CSharpCompilation.Create(
            "Blocks", trees, Assemblies.Value, new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary));
        return
        [
            .. from found in compilation.GetDiagnostics()
               where found.Severity == DiagnosticSeverity.Error
               let place = found.Location.GetMappedLineSpan()
               select $"{place.Path}:{place.StartLinePosition.Line + 1}: {found.Id} {found.GetMessage(null)}",
        ];
    }

    private static string Wrap(Block block, int number)
    {
        var unit = CSharpSyntaxTree.ParseText(block.Text, Options).GetCompilationUnitRoot();
        var text = new StringBuilder();
        foreach (var open in unit.Usings) Add(open);
        text.Append($"namespace Blocks.Block{number};\npublic class Code : Stage\n{{\npublic async Task RunAsync()\n{{\n");
        foreach (var statement in unit.Members.OfType<GlobalStatementSyntax>()) Add(statement);
        text.Append("\n}\n");
        foreach (var type in unit.Members.Where(member => member is not GlobalStatementSyntax)) Add(type);
        return text.Append("\n}\n").ToString();

        void Add(SyntaxNode node) => text.Append(
            $"\n#line {block.Line + node.GetLocation().GetLineSpan().StartLinePosition.Line} \"{block.Page}\"\n{node}\n#line default\n");
    }
}
