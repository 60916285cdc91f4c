using System.Reflection;

namespace EventStore;

/// <summary>
/// The page with a heading for every exception: in the repository where the build knew its address, else in the package of this assembly.
/// </summary>
internal static class TroubleshootingPage
{
    private const string PathInPackage = "docs/troubleshooting.md";

    private static readonly string Address = AddressIn(
        Self.GetCustomAttributes<AssemblyMetadataAttribute>().FirstOrDefault(attribute => attribute.Key == "RepositoryUrl")?.Value,
        Self.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion);

    private static Assembly Self => typeof(TroubleshootingPage).Assembly;

    /// <summary>The place of an exception's heading.</summary>
    public static string LinkTo(Type exception) => $"{Address}#{exception.Name.ToLowerInvariant()}";

    /// <summary>The page as a build describes itself.</summary>
    /// <param name="repository">The address of the repository; null or empty where the build knew none.</param>
    /// <param name="version">The version, with the commit behind a plus sign where the build knew it.</param>
    internal static string AddressIn(string? repository, string? version)
    {
        if (string.IsNullOrEmpty(repository)) return PathInPackage;
        var commit = version?.Split('+') is [_, { Length: > 0 } known] ? known : "main";
        var root = repository.TrimEnd('/');
        return $"{(root.EndsWith(".git", StringComparison.Ordinal) ? root[..^4] : root)}/blob/{commit}/{PathInPackage}";
    }
}
