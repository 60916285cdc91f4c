using System.Collections;
using System.Globalization;
using System.Reflection;

namespace EventStore.Testing;

/// <summary>Shows a value as text: its type with all public properties and fields, into the elements of collections.</summary>
internal static class ValueText
{
    private const int MaxDepth = 8;

    public static string Of(object? value) => Of(value, 0);

    /// <summary>The members of two values of one type whose texts differ.</summary>
    public static IEnumerable<(string Name, string Before, string After)> DifferentMembers(object before, object after) =>
        IsPlain(before) || before is IEnumerable
            ? []
            : from member in MembersOf(before.GetType())
              let left = Of(member.Read(before))
              let right = Of(member.Read(after))
              where left != right
              select (member.Name, left, right);

    private static string Of(object? value, int depth)
    {
        switch (value)
        {
            case null: return "null";
            case string text: return $"\"{text}\"";
            case byte[] bytes: return $"0x{Convert.ToHexString(bytes)}";
            case EventMessage message: return Of(message.Body, depth);
            case DateTimeOffset or DateTime: return ((IFormattable)value).ToString("O", CultureInfo.InvariantCulture);
            case decimal number: return (number / 1.000000000000000000000000000000m).ToString(CultureInfo.InvariantCulture);
        }

        if (IsPlain(value)) return Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";
        if (depth == MaxDepth) return "…";
        if (value is IEnumerable elements) return $"[{string.Join(", ", elements.Cast<object?>().Select(one => Of(one, depth + 1)))}]";
        var type = value.GetType();
        var members = MembersOf(type).Select(member => $"{member.Name} = {Of(member.Read(value), depth + 1)}").ToList();
        return members.Count == 0 ? type.Name : $"{type.Name} {{ {string.Join(", ", members)} }}";
    }

    // Values without parts, and those that show themselves better than their parts would.
    private static bool IsPlain(object value) =>
        value is IFormattable or string or bool or char or Type or StreamId or Revision or Checkpoint or ExpectedRevision or Uri or Version;

    private static IEnumerable<(string Name, Func<object, object?> Read)> MembersOf(Type type) =>
        type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(property => property.CanRead && property.GetIndexParameters().Length == 0)
            .Select(property => (property.Name, (Func<object, object?>)property.GetValue))
            .Concat(type.GetFields(BindingFlags.Public | BindingFlags.Instance)
                .Select(field => (field.Name, (Func<object, object?>)field.GetValue)));
}
