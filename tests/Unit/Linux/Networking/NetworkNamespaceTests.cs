using Gantry.Linux.Kernel;
using Gantry.Linux.Networking;

namespace Gantry.Unit.Linux.Networking;

[Collection(Alone.Name)]
public class NetworkNamespaceTests
{
    private static string Inode() => new FileInfo("/proc/thread-self/ns/net").LinkTarget!;

    [Fact]
    public async Task Work_is_done_in_the_namespace_and_the_thread_comes_back()
    {
        using var place = await NetworkNamespace.CreateAsync();

        string inside = await place.RunAsync(Inode), after;
        using (var host = NetworkNamespace.Host()) after = await host.RunAsync(Inode);

        Assert.NotEqual(Inode(), inside);
        Assert.Equal(Inode(), after);
    }

    [Fact]
    public async Task The_thread_comes_back_after_an_error_too()
    {
        using var place = await NetworkNamespace.CreateAsync();
        using var host = NetworkNamespace.Host();

        await Assert.ThrowsAsync<InvalidOperationException>(() => place.RunAsync<int>(() => throw new InvalidOperationException()));

        Assert.Equal(Inode(), await host.RunAsync(Inode));
    }

    [Fact]
    public async Task Two_namespaces_are_two()
    {
        using var one = await NetworkNamespace.CreateAsync();
        using var two = await NetworkNamespace.CreateAsync();

        Assert.NotEqual(await one.RunAsync(Inode), await two.RunAsync(Inode));
    }

    [Fact]
    public async Task What_is_no_namespace_is_refused_and_the_thread_goes_on()
    {
        using var file = new NetworkNamespace(OpenFile.ReadOnly("/dev/null"));
        using var host = NetworkNamespace.Host();

        await Assert.ThrowsAsync<KernelException>(() => file.RunAsync(Inode));

        Assert.Equal(Inode(), await host.RunAsync(Inode));
    }

    [Fact]
    public async Task A_setting_is_the_namespaces_own()
    {
        using var place = await NetworkNamespace.CreateAsync();
        string outside = SystemControl.TryRead("net/ipv4/ip_local_port_range")!;

        string inside = await place.RunAsync(() =>
        {
            SystemControl.Write("net/ipv4/ip_local_port_range", "40000 40010");
            return SystemControl.TryRead("net/ipv4/ip_local_port_range")!;
        });

        Assert.Equal("40000\t40010", inside);
        Assert.Equal(outside, SystemControl.TryRead("net/ipv4/ip_local_port_range"));
    }

    [Fact]
    public void A_setting_that_is_not_there_is_null_and_cannot_be_written()
    {
        Assert.Null(SystemControl.TryRead("net/no/such"));
        Assert.False(SystemControl.TryWrite("net/no/such", "1"));
        Assert.Throws<KernelException>(() => SystemControl.Write("net/no/such", "1"));
    }

    [Fact]
    public async Task No_thread_of_this_process_is_left_in_a_namespace()
    {
        for (int i = 0; i < 200; i++)
        {
            var (place, routes) = await NetworkNamespace.CreateAsync(() => new RouteSocket());
            routes.Dispose();
            place.Dispose();
        }

        // A thread that the runtime starts for itself may be born on the way and ends after some idle seconds; one of the pool never may.
        string home = Inode();
        await Eventually.IsAsync(() => Directory.GetDirectories("/proc/self/task").All(t => (NamespaceOf(t) ?? home) == home));
    }

    /// <summary>Null for a thread that has ended meanwhile.</summary>
    private static string? NamespaceOf(string task)
    {
        try
        {
            return new FileInfo(task + "/ns/net").LinkTarget;
        }
        catch (IOException)
        {
            return null;
        }
    }
}
