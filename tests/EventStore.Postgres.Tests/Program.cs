using EventStore.Postgres.Tests;
using Xunit.Runner.InProc.SystemConsole;

return args is [OtherProcess.Word, ..] ? await OtherProcess.RunAsync(args[1..]) : await ConsoleRunner.Run(args);
