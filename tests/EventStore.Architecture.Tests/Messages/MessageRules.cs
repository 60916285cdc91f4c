using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace EventStore.Architecture.Messages;

/// <summary>What a message must not do: contradict itself, take over a foreign text, or show a raw name or a secret.</summary>
internal static partial class MessageRules
{
    // Exceptions whose outcome is unknown; their text must not come from one that says that nothing was stored.
    private static readonly string[] Unknown = ["BatchOutcomeUnknownException", "CommitOutcomeUnknownException"];

    // Texts of the operating system, which show paths at most.
    private static readonly string[] OfTheSystem = ["IOException", "UnauthorizedAccessException"];

    // Where every foreign text is harmless: the files know no driver, a failed test shows what was thrown, and a missing JSON contract is
    // described by the names of types.
    private static readonly string[] Harmless =
        ["src/EventStore.FileSystem/", "src/EventStore.Testing/", "src/EventStore/Serialization/JsonEventSerializer.cs:"];

    // What users choose: it may contain line ends, or be chosen by another person than the reader of the message.
    private static readonly string[] ChosenByUsers =
        ["name", "bucket", "category", "id", "eventType", "header", "scheme", "reason", "role", "hook", "pointer", "text", "stateType"];

    private static readonly string[] Secret =
        ["password", "secret", "connectionString", "configuration", "payload", "body", "headers", "credentials", "content", "key"];

    /// <summary>Whether it says both that nothing happened and that something may have.</summary>
    public static bool IsContradictory(Message message) =>
        NothingHappened().IsMatch(message.Text) && (MayHaveHappened().IsMatch(message.Text) || Unknown.Contains(message.Type));

    /// <summary>The foreign texts that it takes over.</summary>
    public static IEnumerable<string> ForeignTexts(Message message) =>
        from shown in message.Shown
        where shown.Name == "Message" && Message.IsException(shown.Owner)
        where Unknown.Contains(message.Type) ? !IsOfTheSystem(shown) && !Unknown.Contains(shown.Owner!.Name) : !IsTrusted(message, shown)
        select $"{message.Place}: {shown.Expression}";

    /// <summary>The names chosen by users that it shows as they are.</summary>
    public static IEnumerable<string> RawNames(Message message) =>
        from shown in message.Shown
        where IsText(shown.Type) && Is(shown, ChosenByUsers) && !IsOfCode(shown.Owner)
        select $"{message.Place}: {shown.Expression}";

    /// <summary>The secrets that it shows.</summary>
    public static IEnumerable<string> Secrets(Message message) =>
        from shown in message.Shown
        where IsHole(shown) && Is(shown, Secret)
        where IsText(shown.Type) || shown.Type?.Name is "ReadOnlyMemory" or "ReadOnlySpan" or "Byte[]"
        select $"{message.Place}: {shown.Expression}";

    private static bool IsHole(Shown shown) => shown.Expression.Parent is InterpolationSyntax;

    private static bool Is(Shown shown, string[] names) => IsHole(shown) && names.Contains(shown.Name, StringComparer.OrdinalIgnoreCase);

    private static bool IsText(ITypeSymbol? type) => type?.SpecialType == SpecialType.System_String;

    // Names of types and members, and of an engine, are chosen by authors of code.
    private static bool IsOfCode(ITypeSymbol? owner) =>
        owner?.Name is "Type" or "EngineDescription" or "MemberInfo" or "JsonPropertyInfo" || IsOptions(owner);

    // Options check their names.
    private static bool IsOptions(ITypeSymbol? owner) => owner?.Name.EndsWith("Options", StringComparison.Ordinal) == true;

    private static bool IsTrusted(Message message, Shown shown) =>
        IsOfTheSystem(shown)
        || Harmless.Any(place => message.Place.StartsWith(place, StringComparison.Ordinal))
        || shown.Owner!.ContainingNamespace.ToDisplayString().StartsWith("EventStore", StringComparison.Ordinal);

    // The type that was caught, or the types that the catch lets through.
    private static bool IsOfTheSystem(Shown shown) =>
        OfTheSystem.Contains(shown.Owner!.Name)
        || shown.Expression.FirstAncestorOrSelf<CatchClauseSyntax>()?.Filter?.DescendantNodes().OfType<BinaryPatternSyntax>()
            .FirstOrDefault()?.ToString() == string.Join(" or ", OfTheSystem);

    [GeneratedRegex("[Nn]othing (of it |of the batch )?(was|is) (stored|written|carried out|changed)")]
    private static partial Regex NothingHappened();

    [GeneratedRegex("or not at all|is unknown|may (be|have been) (stored|written)|cannot be known")]
    private static partial Regex MayHaveHappened();
}
