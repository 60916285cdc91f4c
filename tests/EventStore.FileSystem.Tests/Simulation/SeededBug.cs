using EventStore.FileSystem.Disk;

namespace EventStore.FileSystem.Tests.Simulation;

/// <summary>What is done wrong in a simulated life.</summary>
/// <param name="Disk">Puts a bug between the engine and the disk.</param>
/// <param name="BackupDisk">Puts a bug between backups and their disk.</param>
/// <param name="Operation">Draws a wrong operation, among the others.</param>
internal sealed record SeededBug(
    Func<IDisk, IDisk>? Disk = null, Func<IDisk, IDisk>? BackupDisk = null, Func<Random, Operation>? Operation = null);
