using System.Reflection;

namespace EventStore.Options.Tests;

/// <summary>The packages, with their classes of options and the methods of the wireup. A new one is found by itself.</summary>
internal static class Product
{
    public static IReadOnlyList<Assembly> Assemblies { get; } =
    [
        typeof(IEventStore).Assembly, typeof(WireupExtensions).Assembly, typeof(FileSystemOptions).Assembly, typeof(SqliteOptions).Assembly,
        typeof(PostgresOptions).Assembly, typeof(RedisOptions).Assembly, typeof(MongoOptions).Assembly,
    ];

    public static IReadOnlyList<Type> Options { get; } =
    [
        .. Assemblies.SelectMany(assembly => assembly.GetExportedTypes())
            .Where(type => type.Name.EndsWith("Options", StringComparison.Ordinal) && type.GetConstructor([]) is not null),
    ];

    /// <summary>The methods that record a choice.</summary>
    public static IReadOnlyList<MethodInfo> Verbs { get; } =
    [
        .. Assemblies.SelectMany(assembly => assembly.GetExportedTypes())
            .Where(type => type.Name.EndsWith("WireupExtensions", StringComparison.Ordinal))
            .SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly))
            .Where(method => method.ReturnType == typeof(Wireup))
            .Select(method => method.IsGenericMethodDefinition ? method.MakeGenericMethod(typeof(string), typeof(Version)) : method),
    ];
}
