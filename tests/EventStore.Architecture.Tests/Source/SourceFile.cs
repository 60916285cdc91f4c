using System.Collections.Concurrent;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace EventStore.Architecture.Source;

/// <summary>One C# file, parsed; its path is named from the root.</summary>
internal sealed record SourceFile(string FilePath, SyntaxTree Tree)
{
    // As the compiler of this repository reads them: documentation is parsed, and Release is the build that counts. The build checks for
    // null; without that work a compilation here takes half the time.
    private static readonly CSharpParseOptions Options = new CSharpParseOptions(LanguageVersion.Preview, DocumentationMode.Parse)
        .WithFeatures([new("run-nullable-analysis", "never")]);

    private static readonly ConcurrentDictionary<string, Lazy<SourceFile>> Known = [];

    /// <summary>The text as written.</summary>
    public string Text => Tree.ToString();

    /// <summary>The root of the syntax.</summary>
    public SyntaxNode Root => Tree.GetRoot();

    /// <summary>Reads a file named from the root, once for all gates.</summary>
    public static SourceFile At(string path) =>
        Known.GetOrAdd(path, static path => new Lazy<SourceFile>(() => Parse(path, Repository.Read(path)))).Value;

    /// <summary>The line of a position in the text, counted from 1.</summary>
    public int LineAt(int position) => Tree.GetText().Lines.IndexOf(position) + 1;

    /// <summary>The place of a piece of syntax: file and line.</summary>
    public string PlaceOf(SyntaxNodeOrToken syntax) => $"{FilePath}:{LineAt(syntax.SpanStart)}";

    /// <summary>Takes the text for the file of that path.</summary>
    public static SourceFile Parse(string path, string text) => new(path, CSharpSyntaxTree.ParseText(text, Options, path));
}
