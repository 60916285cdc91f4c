using EventStore.Postgres.Tests;
using Xunit.MicrosoftTestingPlatform;

return args is [OtherProcess.Word, ..]
    ? await OtherProcess.RunAsync(args[1..])
    : await TestPlatformTestFramework.RunAsync(args, SelfRegisteredExtensions.AddSelfRegisteredExtensions);
