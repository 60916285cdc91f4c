namespace EventStore;

/// <summary>The verbs of the file engine.</summary>
public static class FileSystemWireupExtensions
{
    /// <summary>Stores in plain files below a directory, which is created when the store is built. One process writes at a time.</summary>
    /// <param name="wireup">The wireup.</param>
    /// <param name="directory">The directory; stores of several names may share it.</param>
    /// <param name="options">Name, durability and sizes; null for the defaults.</param>
    /// <exception cref="WireupException">A persistence was chosen before.</exception>
    /// <exception cref="InvalidOptionException">An option is out of its range.</exception>
    public static Wireup UsingFileSystemPersistence(this Wireup wireup, string directory, FileSystemOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(wireup);
        return wireup.UsingFileSystemPersistence(new FileSystemStore(directory, options));
    }

    /// <summary>Stores in the given files, so that they can be backed up or compacted while the store is open.</summary>
    /// <param name="wireup">The wireup.</param>
    /// <param name="files">The files.</param>
    /// <exception cref="WireupException">A persistence was chosen before.</exception>
    public static Wireup UsingFileSystemPersistence(this Wireup wireup, FileSystemStore files)
    {
        ArgumentNullException.ThrowIfNull(wireup);
        ArgumentNullException.ThrowIfNull(files);
        return wireup.UsingPersistence(nameof(UsingFileSystemPersistence), files.Open);
    }

    /// <summary>Makes the file engine known as <c>file:</c>, followed by a directory: <c>file:./data</c>.</summary>
    /// <param name="engines">The catalogue.</param>
    /// <param name="options">Name, durability and sizes; null for the defaults.</param>
    /// <remarks>
    /// A path is relative to the working directory, or absolute: <c>file:/var/data</c>. <c>file:///var/data</c> is the same. An address
    /// that names a machine, <c>file://machine/data</c>, or a home directory, <c>file:~/data</c>, is refused.
    /// </remarks>
    /// <exception cref="WireupException">The scheme is taken.</exception>
    /// <exception cref="InvalidOptionException">An option is out of its range.</exception>
    public static EngineCatalogue AddFileSystem(this EngineCatalogue engines, FileSystemOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(engines);
        var chosen = (options ?? new FileSystemOptions()).Validated();
        return engines.Add("file", (address, context) => FileSystemEngines.Choose(DirectoryIn(address), chosen, context));
    }

    // Two slashes are the begin of a machine's name in the usual form of such addresses, and would silently be one for the file system.
    private static string DirectoryIn(string address)
    {
        if (string.IsNullOrWhiteSpace(address))
            throw new WireupException("The address 'file:' names no directory. Write it after the colon, as in 'file:./data'.");
        if (!Paths.IsPath(address))
            throw new WireupException(
                "The address 'file:' has a directory with a NUL character or half of a surrogate pair, which no path has. Write it "
                + "without.");
        if (address.StartsWith('~'))
            throw new WireupException(
                $"The address 'file:{address}' begins with '~', which only a shell replaces. Write the directory in full, as in "
                + "'file:/home/user/data'.");
        if (!address.StartsWith("//", StringComparison.Ordinal)) return address;
        if (!address.StartsWith("///", StringComparison.Ordinal) || address.StartsWith("////", StringComparison.Ordinal))
            throw new WireupException(
                $"The address 'file:{address}' names a machine after two slashes. Write 'file:./data' for a directory below the working "
                + "directory, or 'file:/data' for one from the root.");
        return OperatingSystem.IsWindows() ? address[3..] : address[2..];
    }
}
