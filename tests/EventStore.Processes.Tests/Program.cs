using EventStore.Processes.Tests;
using Xunit.Runner.InProc.SystemConsole;

return args is [ConsumerLife.Word, ..] ? await ConsumerLife.RunAsync(ConsumerOrder.Parse(args[1..])) : await ConsoleRunner.Run(args);
