using Microsoft.CodeAnalysis;

namespace EventStore.Architecture.Surface;

/// <summary>The words of the listing: one line for a type or a member, as it would be written in C#, without namespaces.</summary>
internal static class SurfaceText
{
    // Names without namespaces read the same whether or not their package is known here.
    private static readonly SymbolDisplayFormat Format = new(
        typeQualificationStyle: SymbolDisplayTypeQualificationStyle.NameAndContainingTypes,
        genericsOptions: SymbolDisplayGenericsOptions.IncludeTypeParameters | SymbolDisplayGenericsOptions.IncludeTypeConstraints
            | SymbolDisplayGenericsOptions.IncludeVariance,
        memberOptions: SymbolDisplayMemberOptions.IncludeModifiers | SymbolDisplayMemberOptions.IncludeType
            | SymbolDisplayMemberOptions.IncludeParameters | SymbolDisplayMemberOptions.IncludeConstantValue
            | SymbolDisplayMemberOptions.IncludeRef,
        delegateStyle: SymbolDisplayDelegateStyle.NameAndSignature,
        extensionMethodStyle: SymbolDisplayExtensionMethodStyle.StaticMethod,
        parameterOptions: SymbolDisplayParameterOptions.IncludeName | SymbolDisplayParameterOptions.IncludeType
            | SymbolDisplayParameterOptions.IncludeDefaultValue | SymbolDisplayParameterOptions.IncludeParamsRefOut
            | SymbolDisplayParameterOptions.IncludeExtensionThis,
        propertyStyle: SymbolDisplayPropertyStyle.NameOnly,
        kindOptions: SymbolDisplayKindOptions.IncludeMemberKeyword,
        miscellaneousOptions: SymbolDisplayMiscellaneousOptions.UseSpecialTypes
            | SymbolDisplayMiscellaneousOptions.IncludeNullableReferenceTypeModifier
            | SymbolDisplayMiscellaneousOptions.AllowDefaultLiteral);

    private static readonly SymbolDisplayFormat Reference = Format.WithGenericsOptions(SymbolDisplayGenericsOptions.IncludeTypeParameters);

    /// <summary>The name by which a type is sorted.</summary>
    public static string NameOf(INamedTypeSymbol type) => type.ToDisplayString(Reference);

    /// <summary>A type's own line: kind, name, what it derives from.</summary>
    public static string HeaderOf(INamedTypeSymbol type)
    {
        var name = type.ToDisplayString(Format);
        var constraints = name.IndexOf(" where ", StringComparison.Ordinal);
        var bases = BasesOf(type);
        var derives = bases.Count > 0 ? " : " + string.Join(", ", bases) : "";
        return Access(type) + KindOf(type) + (constraints < 0 ? name + derives : name[..constraints] + derives + name[constraints..]);
    }

    /// <summary>A member's line.</summary>
    public static string LineOf(ISymbol member) =>
        Access(member) + member.ToDisplayString(Format) + (member is IPropertySymbol property ? AccessorsOf(property) : "");

    private static string Access(ISymbol symbol) =>
        symbol.DeclaredAccessibility is Accessibility.Protected or Accessibility.ProtectedOrInternal ? "protected " : "";

    private static string KindOf(INamedTypeSymbol type) => type switch
    {
        { TypeKind: TypeKind.Interface } => "interface ",
        { TypeKind: TypeKind.Enum } => "enum ",
        { TypeKind: TypeKind.Delegate } => "delegate ",
        { TypeKind: TypeKind.Struct } =>
            (type.IsReadOnly ? "readonly " : "") + (type.IsRefLikeType ? "ref " : "") + (type.IsRecord ? "record struct " : "struct "),
        _ => (type.IsStatic ? "static " : type.IsAbstract ? "abstract " : type.IsSealed ? "sealed " : "")
            + (type.IsRecord ? "record " : "class "),
    };

    private static List<string> BasesOf(INamedTypeSymbol type)
    {
        if (type.TypeKind is TypeKind.Delegate)
            return [];
        if (type.EnumUnderlyingType is { } underlying)
            return underlying.SpecialType == SpecialType.System_Int32 ? [] : [underlying.ToDisplayString(Reference)];
        // Every record implements IEquatable of itself, so that is not listed.
        var interfaces = type.Interfaces.Where(face => !(type.IsRecord && face.Name == "IEquatable"));
        var parent = type.BaseType is { SpecialType: SpecialType.None } declared && type.IsReferenceType ? new[] { declared } : [];
        return [.. parent.Concat(interfaces).Select(symbol => symbol.ToDisplayString(Reference))];
    }

    private static string AccessorsOf(IPropertySymbol property)
    {
        var get = Visible(property.GetMethod) ? "get; " : "";
        var set = Visible(property.SetMethod) ? property.SetMethod!.IsInitOnly ? "init; " : "set; " : "";
        return $" {{ {get}{set}}}";
    }

    private static bool Visible(IMethodSymbol? accessor) =>
        accessor?.DeclaredAccessibility is Accessibility.Public or Accessibility.Protected or Accessibility.ProtectedOrInternal;
}
