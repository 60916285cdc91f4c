using System.Runtime.CompilerServices;

namespace EventStore.FileSystem.Tests.Simulation;

/// <summary>The ways in which a store can break its promises.</summary>
internal enum ViolationKind
{
    /// <summary>Something acknowledged is lost: the stored state is an earlier one.</summary>
    Lost,

    /// <summary>The stored state never existed: something is torn, altered, duplicated, or stored although it was refused.</summary>
    Altered,

    /// <summary>After crashes and failures only, the store does not open, or reports damage.</summary>
    Refused,

    /// <summary>Verification finds damage.</summary>
    Unsound,

    /// <summary>Opening the store again shows something else.</summary>
    Unstable,

    /// <summary>A result contradicts another one, or what is stored.</summary>
    FalseResult,

    /// <summary>A call fails without reason, or with an error that the contract does not know.</summary>
    WrongError,

    /// <summary>A write is acknowledged by an engine in which writing failed before.</summary>
    NotFaulted,
}

/// <summary>A promise was broken.</summary>
internal sealed class Violation(ViolationKind kind, string what, Exception? inner = null) : Exception($"{kind}: {what}", inner)
{
    public ViolationKind Kind { get; } = kind;

    public static void Unless(bool holds, ViolationKind kind, [InterpolatedStringHandlerArgument(nameof(holds))] ViolationText what)
    {
        if (!holds) throw new Violation(kind, what.ToStringAndClear());
    }
}

/// <summary>Builds the text only on a violation.</summary>
[InterpolatedStringHandler]
internal ref struct ViolationText
{
    private DefaultInterpolatedStringHandler text;

    public ViolationText(int literalLength, int formattedCount, bool holds, out bool isWanted)
    {
        isWanted = !holds;
        if (isWanted) text = new DefaultInterpolatedStringHandler(literalLength, formattedCount);
    }

    public void AppendLiteral(string value) => text.AppendLiteral(value);

    public void AppendFormatted<T>(T value, string? format = null) => text.AppendFormatted(value, format);

    public string ToStringAndClear() => text.ToStringAndClear();
}
