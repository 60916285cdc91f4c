namespace EventStore.Benchmarks;

/// <summary>Stands in for the benchmark of MongoDB where its driver was not asked for.</summary>
internal static class MongoBenchmarks
{
    public static Task RunAsync()
    {
        Console.WriteLine("NOT RUN: this was built without MongoDB. Build with -p:WithMongo=true, where MongoDB.Driver can be restored.");
        return Task.CompletedTask;
    }
}
