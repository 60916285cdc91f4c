using System.Text;

namespace EventStore.Testing;

/// <summary>Compares what was expected with what happened, and shows where they differ.</summary>
internal static class Difference
{
    /// <exception cref="ScenarioException">The values differ.</exception>
    public static void RequireSame(string what, object expected, object actual)
    {
        if (AreSame(expected, actual)) return;
        var text = new StringBuilder($"The {what} is not the expected one (- expected, + actual):");
        AppendBoth(text, "", expected, actual);
        throw new ScenarioException(text.ToString());
    }

    /// <exception cref="ScenarioException">The events differ.</exception>
    public static void RequireSameEvents(IReadOnlyList<object> expected, IReadOnlyList<object> actual)
    {
        if (expected.Count == actual.Count && expected.Zip(actual).All(pair => AreSameEvent(pair.First, pair.Second))) return;
        var text = new StringBuilder("The events are not the expected ones (- expected, + actual):");
        for (var i = 0; i < Math.Max(expected.Count, actual.Count); i++)
        {
            var number = $"{i + 1}: ";
            if (i >= actual.Count) AppendLine(text, '-', number, ValueText.Of(expected[i]));
            else if (i >= expected.Count) AppendLine(text, '+', number, ValueText.Of(actual[i]));
            else if (AreSameEvent(expected[i], actual[i])) AppendLine(text, ' ', number, ValueText.Of(actual[i]));
            else AppendBoth(text, number, Shown(expected[i], expected[i]), Shown(actual[i], expected[i]));
        }

        throw new ScenarioException(text.ToString());
    }

    /// <summary>Events on one line.</summary>
    public static string Describe(IReadOnlyList<object> events) =>
        events.Count == 0 ? "no event" : string.Join(", ", events.Select(ValueText.Of));

    private static void AppendBoth(StringBuilder text, string number, object expected, object actual)
    {
        AppendLine(text, '-', number, ValueText.Of(expected));
        AppendLine(text, '+', number, ValueText.Of(actual));
        if (expected.GetType() != actual.GetType()) return;
        foreach (var (name, before, after) in ValueText.DifferentMembers(expected, actual))
            text.Append('\n').Append(' ', 4 + number.Length).Append($"{name}: expected {before}, but was {after}");
    }

    private static void AppendLine(StringBuilder text, char sign, string number, string value) =>
        text.Append($"\n  {sign} {number}{value}");

    // A message is compared with its tags and headers only where the test names a message.
    private static bool AreSameEvent(object expected, object actual) => expected is EventMessage
        ? AreSame(Shown(expected, expected), Shown(actual, expected))
        : AreSame(expected, actual is EventMessage message ? message.Body : actual);

    private static object Shown(object value, object expected) => (value, expected) switch
    {
        (EventMessage message, EventMessage) => new Message(message.Body, message.Tags, message.Headers),
        (EventMessage message, _) => message.Body,
        (_, EventMessage) => new Message(value, [], new Dictionary<string, string>()),
        _ => value,
    };

    private static bool AreSame(object expected, object actual) =>
        expected.Equals(actual) || (expected.GetType() == actual.GetType() && ValueText.Of(expected) == ValueText.Of(actual));

    private sealed record Message(object Body, IReadOnlyList<string> Tags, IReadOnlyDictionary<string, string> Headers);
}
