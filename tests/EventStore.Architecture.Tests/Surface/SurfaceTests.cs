using EventStore.Architecture.Source;

namespace EventStore.Architecture.Surface;

/// <summary>Holds the public surface of every source project to the text approved beside it, so that no change of it goes unseen.</summary>
public sealed class SurfaceTests
{
    private const string Approve = "EVENTSTORE_APPROVE";

    public static TheoryData<string> SourceProjects => [.. Repository.SourceProjects.Select(project => project.Name)];

    [Theory]
    [MemberData(nameof(SourceProjects))]
    public void The_public_surface_is_the_approved_one(string name)
    {
        var project = Repository.SourceProjects.Single(project => project.Name == name);
        var received = PublicSurface.Of(Compilations.Of(project).Assembly);
        var approvedPath = Repository.PathOf($"{project.Folder}/PublicApi.txt");
        if (Environment.GetEnvironmentVariable(Approve) == "1")
            File.WriteAllText(approvedPath, received);

        var approved = File.Exists(approvedPath) ? File.ReadAllText(approvedPath).ReplaceLineEndings("\n") : "";
        var difference = SurfaceDiff.Between(approved, received);
        if (difference.Count == 0)
            return;
        var receivedPath = WriteReceived(name, received);
        Assert.Fail(
            $"The public surface of {name} is not that of {project.Folder}/PublicApi.txt. What was received is in {receivedPath}. "
            + $"If the change is meant, approve it: run these tests again with {Approve}=1 and commit the file.\n"
            + $"{string.Join('\n', difference)}");
    }

    private static string WriteReceived(string name, string received)
    {
        var path = $"artifacts/received/{name}.PublicApi.txt";
        Directory.CreateDirectory(Path.GetDirectoryName(Repository.PathOf(path))!);
        File.WriteAllText(Repository.PathOf(path), received);
        return path;
    }
}
