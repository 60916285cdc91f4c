using System.IO.Compression;
using System.Xml.Linq;

namespace EventStore.Packages.Tests;

/// <summary>A package file, as its archive says.</summary>
internal sealed class Package : IDisposable
{
    private readonly ZipArchive archive;
    private readonly XElement metadata;

    public Package(string path)
    {
        FilePath = path;
        archive = ZipFile.OpenRead(path);
        var nuspec = archive.Entries.Single(entry => entry.FullName.EndsWith(".nuspec", StringComparison.Ordinal)).FullName;
        metadata = XDocument.Parse(Read(nuspec)).Root!.Elements().Single(element => element.Name.LocalName == "metadata");
    }

    public string FilePath { get; }

    public string Id => this["id"];

    public string Version => this["version"];

    /// <summary>The files, without those that every package has for its own form.</summary>
    public IReadOnlyList<string> Files => [.. archive.Entries.Select(entry => entry.FullName)
        .Where(name => !name.EndsWith(".nuspec", StringComparison.Ordinal) && !name.StartsWith("_rels/", StringComparison.Ordinal)
            && !name.StartsWith("package/", StringComparison.Ordinal) && name != "[Content_Types].xml")
        .Order(StringComparer.Ordinal)];

    /// <summary>The dependencies: id, version and the assets that are left out of them.</summary>
    public IReadOnlyList<(string Id, string Version, string Include, string Exclude)> Dependencies =>
        [.. metadata.Descendants().Where(element => element.Name.LocalName == "dependency")
            .Select(element => (Of(element, "id"), Of(element, "version"), Of(element, "include"), Of(element, "exclude")))];

    /// <summary>A value of the description; empty where there is none.</summary>
    public string this[string name] => metadata.Elements().FirstOrDefault(element => element.Name.LocalName == name)?.Value ?? "";

    /// <summary>An attribute of a value; empty where there is none.</summary>
    public string AttributeOf(string name, string attribute) =>
        Of(metadata.Elements().FirstOrDefault(element => element.Name.LocalName == name), attribute);

    public string Read(string file)
    {
        using var reader = new StreamReader(archive.GetEntry(file)!.Open());
        return reader.ReadToEnd();
    }

    public byte[] ReadBytes(string file)
    {
        using var content = archive.GetEntry(file)!.Open();
        using var bytes = new MemoryStream();
        content.CopyTo(bytes);
        return bytes.ToArray();
    }

    public void Dispose() => archive.Dispose();

    private static string Of(XElement? element, string attribute) => (string?)element?.Attribute(attribute) ?? "";
}
