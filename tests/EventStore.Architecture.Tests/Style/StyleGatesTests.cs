using EventStore.Architecture.Source;

namespace EventStore.Architecture.Style;

/// <summary>Proves on made-up sources that each gate of style sees what it is for, and nothing else.</summary>
public sealed class StyleGatesTests
{
    [Theory]
    [InlineData(300, 0)]
    [InlineData(301, 1)]
    public void A_file_is_too_long_from_its_ceiling_on(int lines, int tooLong) =>
        Assert.Equal(tooLong, Ceilings.TooLongFiles(Source(string.Concat(Enumerable.Repeat("\n", lines - 1)) + "class A;\n")).Count());

    [Theory]
    [InlineData(70, 0)]
    [InlineData(71, 1)]
    public void A_method_is_too_long_from_its_ceiling_on(int lines, int tooLong)
    {
        var body = string.Concat(Enumerable.Repeat("\n", lines - 2));
        Assert.Equal(tooLong, Ceilings.TooLongMethods(Source($"class A\n{{\n[Obsolete]\n\n\nvoid M()\n{{{body}}}\n}}")).Count());
    }

    [Theory]
    [InlineData("class A { A() {\n} }")]
    [InlineData("class A { int P { get {\n} } }")]
    [InlineData("class A { public static A operator +(A a) {\n} }")]
    [InlineData("class A { Action a = () => {\n}; }")]
    [InlineData("class A { int P => F(\n); }")]
    public void Whatever_has_a_body_is_measured(string text) =>
        Assert.NotEmpty(Ceilings.TooLongMethods(Source(text.Replace("\n", new string('\n', 80), StringComparison.Ordinal))));

    [Theory]
    [InlineData("#region A\nclass A;\n#endregion")]
    [InlineData("class A\n{\n#if DEBUG\nint a;\n#endif\n}")]
    public void A_folding_or_switching_directive_is_seen(string text) => Assert.Single(SourceText.BannedDirectives(Source(text)));

    [Fact]
    public void A_directive_inside_a_text_is_none() =>
        Assert.Empty(SourceText.BannedDirectives(Source("class A { string s = \"\"\"\n#if X\n\"\"\"; }")));

    [Theory]
    [InlineData("// Copyright\nusing System;", 1)]
    [InlineData("/* Licence */ using System;", 1)]
    [InlineData("using System;", 0)]
    [InlineData("/// <summary>What it is.</summary>\nclass A;", 0)]
    [InlineData("// readme: start\nvar a = 1;\n// readme: end", 0)]
    public void A_header_is_a_comment_before_everything(string text, int headers) =>
        Assert.Equal(headers, SourceText.Headers(Source(text)).Count());

    [Theory]
    [InlineData("namespace H;\n/// <summary>What it is.</summary>\ninternal class A;\nclass B;", 0)]
    [InlineData("/// <summary>What it is.</summary>\n[Serializable]\ndelegate void A();", 0)]
    [InlineData("[assembly: A]", 0)]
    [InlineData("class A;\n/// <summary>What it is.</summary>\nclass B;", 1)]
    [InlineData("// What it is.\nenum A { B }", 1)]
    public void A_file_without_a_purpose_is_seen(string text, int count) => Assert.Equal(count, Purposes.Missing(Source(text)).Count());

    [Fact]
    public void A_type_named_like_the_product_is_seen() =>
        Assert.Single(SourceText.TypesNamedLikeTheProduct(Source("record EventStore(int A);")));

    private static SourceFile Source(string text) => SourceFile.Parse("src/House/A.cs", text);
}
