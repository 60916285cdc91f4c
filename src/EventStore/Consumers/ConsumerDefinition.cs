namespace EventStore.Consumers;

/// <summary>The definition of a consumer, as the application gave it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Source">What it reads.</param>
/// <param name="Options">How it works.</param>
/// <param name="MakePump">Makes what delivers its events, for each term in which it is active.</param>
internal sealed record ConsumerDefinition(string Name, ConsumerSource Source, ConsumerOptions Options, Func<PumpContext, IPump> MakePump)
{
    /// <summary>Its state; by default it has none.</summary>
    public IConsumerState State { get; init; } = new Stateless();
}
