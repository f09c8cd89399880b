using System.Diagnostics;
using Gantry.Linux.Kernel;
using Gantry.Linux.Processes;

namespace Gantry.Unit.Linux.Processes;

[Collection(Alone.Name)]
public sealed class ChildProgramTests
{
    private static unsafe void Unblock(ChildProgram program) => program.Call("unblock signals", SyscallNumber.RtSigprocmask, 2, program.Bytes(new byte[8]), 0, 8);

    private static unsafe ChildProgram Running(params string[] command)
    {
        var program = new ChildProgram();
        Unblock(program);
        program.Call("exec", SyscallNumber.Execve, program.Text(command[0]), program.Texts(command), program.Texts(["PATH=/bin"]));
        return program;
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_child_runs_its_command_and_its_exit_code_is_kept(bool copyMemory)
    {
        using var program = Running("/bin/sh", "-c", "exit 42");
        using var child = ChildProcess.Start(program, new ChildOptions { CopyMemory = copyMemory });
        Assert.Equal(new ExitStatus(42, 0), child.Wait());
    }

    [Fact]
    public void A_child_ended_by_a_signal_has_128_and_the_signal_as_its_code()
    {
        using var program = Running("/bin/sh", "-c", "kill -TERM $$");
        using var child = ChildProcess.Start(program, new ChildOptions());
        Assert.Equal(new ExitStatus(143, 15), child.Wait());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public unsafe void A_step_that_fails_is_reported_by_name_and_the_child_is_reaped(bool copyMemory)
    {
        using var program = new ChildProgram();
        program.Call("enter /no/such/place", SyscallNumber.Chdir, program.Text("/no/such/place"));
        var error = Assert.Throws<KernelException>(() => ChildProcess.Start(program, new ChildOptions { CopyMemory = copyMemory }));
        Assert.Equal(("enter /no/such/place", Errno.ENOENT), (error.Step, error.Errno));
    }

    [Fact]
    public unsafe void A_tolerated_error_jumps_to_its_label_and_its_result_is_stored()
    {
        using var program = new ChildProgram();
        var result = program.NewSlot();
        var skipped = program.NewLabel();
        program.Call("enter /no/such/place", SyscallNumber.Chdir, program.Text("/no/such/place")).Tolerate(Errno.ENOENT).OnError(skipped).Into(result);
        program.Call("never", SyscallNumber.ExitGroup, 99);
        program.Mark(skipped);
        program.Call("end", SyscallNumber.ExitGroup, 7);
        using var child = ChildProcess.Start(program, new ChildOptions());
        Assert.Equal((7, -(int)Errno.ENOENT), (child.Wait()!.Value.Code, (int)result.Value));
    }

    [Fact]
    public unsafe void The_result_of_a_step_can_be_an_argument_of_several_later_ones()
    {
        using var pipe = Pipe.Create();
        using var program = new ChildProgram();
        var file = program.NewSlot();
        program.Call("open", SyscallNumber.Openat, OpenFile.CurrentDirectory, program.Text("/dev/null"), 1).Into(file);
        program.Call("write", SyscallNumber.Write, file, program.Text("abc"), 3);
        program.Call("close", SyscallNumber.Close, file);
        program.Call("write to a closed descriptor", SyscallNumber.Write, file, program.Text("abc"), 3);
        var error = Assert.Throws<KernelException>(() => ChildProcess.Start(program, new ChildOptions()));
        Assert.Equal(("write to a closed descriptor", Errno.EBADF), (error.Step, error.Errno));
    }

    [Fact]
    public void A_child_of_a_new_pid_namespace_is_number_one_there()
    {
        string file = Path.GetTempFileName();
        try
        {
            using var program = Running("/bin/sh", "-c", $"echo $$ > {file}");
            using var child = ChildProcess.Start(program, new ChildOptions { Namespaces = CloneFlags.NewPid });
            child.Wait();
            Assert.Equal("1", File.ReadAllText(file).Trim());
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public void A_child_can_be_born_into_the_pid_namespace_of_another_and_the_parent_stays_in_its_own()
    {
        string file = Path.GetTempFileName();
        using var first = Running("/bin/sleep", "60");
        using var init = ChildProcess.Start(first, new ChildOptions { Namespaces = CloneFlags.NewPid });
        try
        {
            using var space = OpenFile.ReadOnly($"/proc/{init.Pid}/ns/pid");
            using var second = Running("/bin/sh", "-c", $"echo $$ > {file}");
            using var child = ChildProcess.Start(second, new ChildOptions { PidNamespace = space });
            child.Wait();
            Assert.Equal("2", File.ReadAllText(file).Trim());
            using var process = Process.Start("/bin/true");
            process.WaitForExit();
            Assert.Equal(0, process.ExitCode);
        }
        finally
        {
            init.Signal(9);
            init.Wait();
            File.Delete(file);
        }
    }

    [Fact]
    public async Task Five_hundred_children_of_eight_threads_under_collection_pressure_all_end_well()
    {
        const int threads = 8, each = 500 / threads + 1;
        using var stop = new CancellationTokenSource();
        var pressure = Task.Run(() =>
        {
            for (int round = 0; !stop.IsCancellationRequested; round++)
            {
                var garbage = new List<byte[]>();
                for (int i = 0; i < 200; i++) garbage.Add(new byte[8192]);
                GC.Collect(round % 3, GCCollectionMode.Forced, blocking: true);
                GC.KeepAlive(garbage);
            }
        });
        var workers = Enumerable.Range(0, threads).Select(t => Task.Factory.StartNew(() => Start(t, each), TaskCreationOptions.LongRunning));
        int[] ended = await Task.WhenAll(workers);
        await stop.CancelAsync();
        await pressure;
        Assert.Equal(threads * each, ended.Sum());
    }

    private static int Start(int thread, int count)
    {
        int ended = 0;
        for (int i = 0; i < count; i++)
        {
            int code = (thread * count + i) % 200;
            using var program = Running("/bin/sh", "-c", $"exit {code}");
            using var child = ChildProcess.Start(program, new ChildOptions { Namespaces = i % 5 == 0 ? CloneFlags.NewMount | CloneFlags.NewPid : 0, CopyMemory = i % 50 == 0 });
            if (child.Wait()!.Value.Code == code) ended++;
        }
        return ended;
    }

    [NeedsFact("as", "objcopy")]
    public void The_x86_64_machine_code_is_what_its_source_assembles_to() =>
        Assert.Equal(Assemble("Interpreter.x86-64.s", "as", "objcopy"), Interpreter.X64.ToArray());

    [NeedsFact("aarch64-linux-gnu-as", "aarch64-linux-gnu-objcopy")]
    public void The_arm64_machine_code_is_what_its_source_assembles_to() =>
        Assert.Equal(Assemble("Interpreter.arm64.s", "aarch64-linux-gnu-as", "aarch64-linux-gnu-objcopy"), Interpreter.Arm64.ToArray());

    private static byte[] Assemble(string source, string assembler, string objcopy)
    {
        string directory = Directory.CreateTempSubdirectory("gantry-test").FullName;
        try
        {
            Programs.Run(assembler, ["-o", $"{directory}/i.o", Path.Combine(Repository.Root, "src/Linux/Processes", source)]);
            Programs.Run(objcopy, ["-O", "binary", "-j", ".text", $"{directory}/i.o", $"{directory}/i.bin"]);
            return File.ReadAllBytes($"{directory}/i.bin");
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }
}
