using System.Diagnostics;
using System.Net;
using System.Net.Http;
using System.Net.Sockets;
using System.Text;

namespace EventStore.Packages.Tests;

/// <summary>A web application that listens at a free port of the loopback device until it is disposed.</summary>
internal sealed class WebProcess : IAsyncDisposable
{
    private readonly Process process;
    private readonly Task<string> output;
    private readonly Task<string> errors;
    private readonly HttpClient client;

    private WebProcess(ProcessStartInfo start, string address)
    {
        process = Process.Start(start)!;
        output = process.StandardOutput.ReadToEndAsync();
        errors = process.StandardError.ReadToEndAsync();
        client = new HttpClient { BaseAddress = new Uri(address) };
    }

    /// <summary>Starts it and waits until it takes requests.</summary>
    public static async Task<WebProcess> StartAsync(Application application)
    {
        var address = $"http://127.0.0.1:{FreePort()}";
        var started = new WebProcess(application.Start("--urls", address), address);
        while (!await started.TakesRequestsAsync())
        {
            if (started.process.HasExited)
                throw new InvalidOperationException($"The application ended: {await started.output}{await started.errors}");
            await Task.Delay(50);
        }

        return started;
    }

    public Task<string> GetAsync(string path) => client.GetStringAsync(new Uri(path, UriKind.Relative));

    public async Task<string> PostAsync(string path, string json)
    {
        using var content = new StringContent(json, Encoding.UTF8, "application/json");
        using var response = await client.PostAsync(new Uri(path, UriKind.Relative), content);
        return await response.EnsureSuccessStatusCode().Content.ReadAsStringAsync();
    }

    /// <summary>Kills it: what it acknowledged is stored by then.</summary>
    public async ValueTask DisposeAsync()
    {
        client.Dispose();
        if (!process.HasExited) process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
    }

    private async Task<bool> TakesRequestsAsync()
    {
        try
        {
            using var response = await client.GetAsync(new Uri("/", UriKind.Relative));
            return true;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
