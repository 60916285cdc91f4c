using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace EventStore.Architecture.Source;

/// <summary>One C# file, parsed; its path is named from the root.</summary>
internal sealed record SourceFile(string FilePath, SyntaxTree Tree)
{
    // As the compiler of this repository reads them: documentation is parsed, and Release is the build that counts.
    private static readonly CSharpParseOptions Options = new(LanguageVersion.Preview, DocumentationMode.Parse);

    /// <summary>The text as written.</summary>
    public string Text => Tree.ToString();

    /// <summary>The root of the syntax.</summary>
    public SyntaxNode Root => Tree.GetRoot();

    /// <summary>Reads a file named from the root.</summary>
    public static SourceFile At(string path) => Parse(path, Repository.Read(path));

    /// <summary>Takes the text for the file of that path.</summary>
    public static SourceFile Parse(string path, string text) => new(path, CSharpSyntaxTree.ParseText(text, Options, path));
}
