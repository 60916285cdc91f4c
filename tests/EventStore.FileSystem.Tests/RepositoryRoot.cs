namespace EventStore.FileSystem.Tests;

/// <summary>The folder of the repository that the suite was built in.</summary>
internal static class RepositoryRoot
{
    public static string Path { get; } = Find(AppContext.BaseDirectory);

    private static string Find(string folder) =>
        File.Exists(System.IO.Path.Combine(folder, "EventStore.slnx")) ? folder : Find(System.IO.Path.GetDirectoryName(folder)!);
}
