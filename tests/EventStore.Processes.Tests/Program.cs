using EventStore.Processes.Tests;
using Xunit.MicrosoftTestingPlatform;

return args is [ConsumerLife.Word, ..]
    ? await ConsumerLife.RunAsync(ConsumerOrder.Parse(args[1..]))
    : await TestPlatformTestFramework.RunAsync(args, SelfRegisteredExtensions.AddSelfRegisteredExtensions);
