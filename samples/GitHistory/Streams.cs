using EventStore;

namespace GitHistory;

/// <summary>How streams are named: the bucket is the repository, the category is always the same, the id is the path of the file.</summary>
internal static class Streams
{
    private const string Category = "file";

    /// <exception cref="InvalidNameException">The path is longer than a stream's id may be.</exception>
    public static StreamId Of(string bucket, string path) => new(bucket, Category, path);

    public static EventQuery AllOf(string bucket) => new() { Bucket = bucket, Category = Category };
}
