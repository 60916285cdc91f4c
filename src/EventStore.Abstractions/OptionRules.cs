using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Runtime.CompilerServices;

namespace EventStore.Engines;

/// <summary>
/// Checks options when they are given, property by property, before they are copied. A class of options has a method
/// <c>Validated()</c> that checks each property with these rules and returns a copy.
/// </summary>
public static class OptionRules
{
    // A timer takes about 49 days. Whatever is longer is a mistake, and would be found only when it runs.
    private static readonly TimeSpan LongestDuration = TimeSpan.FromDays(24);

    // A timer counts milliseconds: with less, waiting would be a loop that never waits.
    private static readonly TimeSpan ShortestDuration = TimeSpan.FromMilliseconds(1);

    /// <summary>Throws if a value breaks a rule.</summary>
    /// <param name="options">The options.</param>
    /// <param name="holds">Whether the rule holds.</param>
    /// <param name="value">The property.</param>
    /// <param name="limit">What the value must be, as the end of a sentence: "at least 1".</param>
    /// <param name="property">The property's name; set by the compiler.</param>
    /// <exception cref="InvalidOptionException">The rule does not hold.</exception>
    public static void Require(
        object options,
        [DoesNotReturnIf(false)] bool holds,
        object? value,
        string limit,
        [CallerArgumentExpression(nameof(value))] string property = "")
    {
        ArgumentNullException.ThrowIfNull(options);
        if (!holds) throw new InvalidOptionException(options.GetType().Name, property, Shown(value), limit);
    }

    /// <summary>Throws if what a method of the wireup was given breaks a rule.</summary>
    /// <param name="verb">The method.</param>
    /// <param name="holds">Whether the rule holds.</param>
    /// <param name="value">What was given.</param>
    /// <param name="limit">What it must be, as the end of a sentence: "at least 1".</param>
    /// <param name="parameter">The parameter's name; set by the compiler.</param>
    /// <exception cref="InvalidOptionException">The rule does not hold.</exception>
    public static void RequireOf(
        string verb,
        [DoesNotReturnIf(false)] bool holds,
        object? value,
        string limit,
        [CallerArgumentExpression(nameof(value))] string parameter = "")
    {
        if (!holds) throw new InvalidOptionException(verb, parameter, Shown(value), limit);
    }

    /// <summary>Returns a value of an enumeration that has this member, which a method of the wireup was given.</summary>
    /// <exception cref="InvalidOptionException">It has no such member.</exception>
    public static T RequireDefinedOf<T>(
        string verb, T value, [CallerArgumentExpression(nameof(value))] string parameter = "") where T : struct, Enum
    {
        RequireOf(verb, Enum.IsDefined(value), value, $"one of {string.Join(", ", Enum.GetNames<T>())}", parameter);
        return value;
    }

    /// <summary>Returns a value of an enumeration that has this member.</summary>
    /// <param name="value">The value.</param>
    /// <param name="parameter">The parameter's or property's name; set by the compiler.</param>
    /// <exception cref="ArgumentOutOfRangeException">The enumeration has no such member.</exception>
    public static T RequireDefined<T>(T value, [CallerArgumentExpression(nameof(value))] string parameter = "") where T : struct, Enum =>
        Enum.IsDefined(value)
            ? value
            : throw new ArgumentOutOfRangeException(
                parameter, $"{typeof(T).Name} has no member {value:D}. Use one of {string.Join(", ", Enum.GetNames<T>())}.");

    /// <summary>Throws if a duration is below a millisecond, or longer than a timer takes.</summary>
    /// <exception cref="InvalidOptionException">The value is out of range.</exception>
    public static void RequirePositive(object options, TimeSpan value, [CallerArgumentExpression(nameof(value))] string property = "") =>
        RequireBetween(options, value, ShortestDuration, LongestDuration, property);

    /// <summary>Throws if a duration is shorter than a minimum, or longer than a timer takes.</summary>
    /// <exception cref="InvalidOptionException">The value is out of range.</exception>
    public static void RequireAtLeast(
        object options, TimeSpan value, TimeSpan least, [CallerArgumentExpression(nameof(value))] string property = "") =>
        RequireBetween(options, value, least, LongestDuration, property);

    /// <summary>Throws if a duration is outside a range.</summary>
    /// <exception cref="InvalidOptionException">The value is out of range.</exception>
    public static void RequireBetween(
        object options, TimeSpan value, TimeSpan least, TimeSpan most, [CallerArgumentExpression(nameof(value))] string property = "") =>
        Require(options, value >= least && value <= most, value, $"between {least} and {most}", property);

    /// <summary>Throws if a number is outside a range.</summary>
    /// <exception cref="InvalidOptionException">The value is out of range.</exception>
    public static void RequireBetween(
        object options, long value, long least, long most, [CallerArgumentExpression(nameof(value))] string property = "") =>
        Require(options, value >= least && value <= most, value, $"between {least} and {most}", property);

    private static string Shown(object? value) => string.Create(CultureInfo.InvariantCulture, $"{value ?? "null"}");
}
