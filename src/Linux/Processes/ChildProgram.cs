using Gantry.Linux.Kernel;

namespace Gantry.Linux.Processes;

/// <summary>The work of a child between clone and exec, as a table of system calls. Built here by managed code, run by <see cref="Interpreter"/>.</summary>
/// <remarks>
/// A step that fails ends the child, unless it tolerates the error; the failed step's name and errno become a <see cref="KernelException"/> in the
/// parent. Results (a new descriptor, say) go into <see cref="Slot"/>s and can be arguments of later steps.
/// </remarks>
public sealed unsafe class ChildProgram : IDisposable
{
    private const int CopyWord = -1;
    private readonly ChildMemory memory = new();
    private readonly List<string> names = new(128);
    private readonly List<(int Step, Label Label, bool OnError)> jumps = [];
    private (Slot Pid, Label Leave)? rebirth;

    /// <summary>A place for one result.</summary>
    public readonly struct Slot
    {
        internal Slot(nint* address) => Address = address;

        internal nint* Address { get; }

        /// <summary>What the child has stored; readable once it has exec'ed, failed or reported.</summary>
        public nint Value => *Address;
    }

    /// <summary>An argument of a step: a number, a pointer into the program's memory, or what an earlier step stored in a slot.</summary>
    public readonly struct Argument
    {
        internal readonly nint Value;
        internal readonly nint* Source;

        private Argument(nint value, nint* source)
        {
            Value = value;
            Source = source;
        }

        public static implicit operator Argument(nint value) => new(value, null);

        public static implicit operator Argument(int value) => new(value, null);

        public static implicit operator Argument(long value) => new((nint)value, null);

        public static implicit operator Argument(byte* pointer) => new((nint)pointer, null);

        public static implicit operator Argument(Slot slot) => new(0, slot.Address);
    }

    /// <summary>A point in the program to jump to; placed by <see cref="Mark"/>.</summary>
    public sealed class Label
    {
        internal int Index { get; set; } = -1;
    }

    /// <summary>The step just added, for what it does beyond failing on any error.</summary>
    public readonly struct Step
    {
        private readonly ChildProgram program;
        private readonly int index;

        internal Step(ChildProgram program, int index)
        {
            this.program = program;
            this.index = index;
        }

        /// <summary>Goes on after these errors.</summary>
        public Step Tolerate(params ReadOnlySpan<Errno> errors)
        {
            foreach (var errno in errors) program.memory.Steps[index].Tolerated |= 1UL << (int)errno;
            return this;
        }

        public Step TolerateAll()
        {
            program.memory.Steps[index].Tolerated = ulong.MaxValue;
            return this;
        }

        /// <summary>Where to go on after a tolerated error, instead of the next step.</summary>
        public Step OnError(Label label)
        {
            program.jumps.Add((index, label, OnError: true));
            return this;
        }

        public Step OnSuccess(Label label)
        {
            program.jumps.Add((index, label, OnError: false));
            return this;
        }

        public Step Into(Slot slot)
        {
            program.memory.Steps[index].Result = slot.Address;
            return this;
        }
    }

    internal ChildMemory Memory => memory;

    /// <summary>Number of steps so far.</summary>
    public int Count => names.Count;

    public Slot NewSlot(nint initial = 0)
    {
        var slot = new Slot((nint*)memory.Allocate(sizeof(nint)));
        *slot.Address = initial;
        return slot;
    }

    public Label NewLabel() => new();

    public void Mark(Label label) => label.Index = Count;

    /// <summary>A zero-ended string in the child's memory.</summary>
    public byte* Text(string text) => memory.AllocateText(text);

    /// <summary>A null-ended array of strings, as execve takes it.</summary>
    public byte* Texts(IReadOnlyList<string> texts)
    {
        byte** array = (byte**)memory.Allocate((texts.Count + 1) * sizeof(byte*));
        for (int i = 0; i < texts.Count; i++) array[i] = memory.AllocateText(texts[i]);
        return (byte*)array;
    }

    public byte* Bytes(ReadOnlySpan<byte> bytes)
    {
        byte* at = memory.Allocate(bytes.Length);
        bytes.CopyTo(new Span<byte>(at, bytes.Length));
        return at;
    }

    public T* Structure<T>(in T value) where T : unmanaged
    {
        T* at = (T*)memory.Allocate(sizeof(T));
        *at = value;
        return at;
    }

    /// <summary>Adds a system call.</summary>
    /// <param name="name">What it does, with the object's name: it is the error's text.</param>
    public Step Call(string name, int number, Argument a = default, Argument b = default, Argument c = default, Argument d = default, Argument e = default, Argument f = default)
    {
        int copies = (a.Source != null ? 1 : 0) + (b.Source != null ? 1 : 0) + (c.Source != null ? 1 : 0)
            + (d.Source != null ? 1 : 0) + (e.Source != null ? 1 : 0) + (f.Source != null ? 1 : 0);
        int index = Count + copies;
        if (index >= ChildMemory.MaxSteps) throw new KernelException("lay out the child program", Errno.E2BIG);
        var step = memory.Steps + index;
        *step = new ChildStep { Number = number, OnError = 1, OnSuccess = 1 };
        Set(step, 0, a, name);
        Set(step, 1, b, name);
        Set(step, 2, c, name);
        Set(step, 3, d, name);
        Set(step, 4, e, name);
        Set(step, 5, f, name);
        names.Add(name);
        return new Step(this, index);
    }

    private void Set(ChildStep* step, int position, Argument argument, string name)
    {
        if (argument.Source == null) step->Arguments[position] = argument.Value;
        else AddCopy(argument.Source, (nint*)&step->Arguments[position], name);
    }

    /// <summary>Copies a result, as a whole word, to a place in a structure of this program.</summary>
    public void Copy(Slot slot, nint* destination) => AddCopy(slot.Address, destination, "copy a result");

    /// <summary>Copies what one slot holds at that moment into another.</summary>
    public void Copy(Slot from, Slot to) => AddCopy(from.Address, to.Address, "copy a result");

    private void AddCopy(nint* source, nint* destination, string name)
    {
        if (Count >= ChildMemory.MaxSteps) throw new KernelException("lay out the child program", Errno.E2BIG);
        var copy = memory.Steps + Count;
        *copy = new ChildStep { Number = CopyWord, OnError = 1, OnSuccess = 1 };
        copy->Arguments[0] = (long)source;
        copy->Arguments[1] = (long)destination;
        names.Add(name);
    }

    /// <summary>
    /// From here on another process runs the program: a child that is born in the namespaces which the first has entered (a pid namespace holds only those
    /// born there, and a new namespace belongs to the user namespace of its maker). The first waits for its exec or end, and leaves; the second's parent
    /// is the first's. The second leads a session of its own.
    /// </summary>
    /// <param name="flags">Namespaces to make, and whether memory is shared as before.</param>
    public void BeBornAgain(CloneFlags flags)
    {
        if (rebirth is not null) throw new InvalidOperationException("a program is born again only once");
        var pid = NewSlot();
        var leave = NewLabel();
        rebirth = (pid, leave);
        // Both go on behind clone3. Whoever leads a session cannot make one: by that the first knows itself.
        Call("setsid", SyscallNumber.Setsid).Tolerate(Errno.EPERM);
        var arguments = Structure(new CloneArguments { Flags = (ulong)(flags | CloneFlags.SameParent | CloneFlags.SuspendParent | CloneFlags.ClearSignalHandlers) });
        Call("clone3", SyscallNumber.Clone3, (byte*)arguments, sizeof(CloneArguments)).Into(pid);
        Call("setsid", SyscallNumber.Setsid).Tolerate(Errno.EPERM).OnError(leave);
    }

    /// <summary>The process that goes on after <see cref="BeBornAgain"/>; null in a program without that, 0 when it never came to be.</summary>
    internal int? RebornPid => rebirth is { } second ? (int)Math.Max(0, second.Pid.Value) : null;

    /// <summary>Resolves the jumps. Called once, when the program is complete.</summary>
    internal void Seal()
    {
        if (rebirth is { Leave.Index: < 0 } second)
        {
            Mark(second.Leave);
            Call("exit", SyscallNumber.ExitGroup, 0);
        }
        foreach (var (step, label, onError) in jumps)
        {
            if (label.Index < 0) throw new InvalidOperationException($"a jump of step '{names[step]}' leads nowhere");
            int distance = label.Index - step;
            if (onError) memory.Steps[step].OnError = distance;
            else memory.Steps[step].OnSuccess = distance;
        }
        jumps.Clear();
    }

    /// <summary>The failure that the child reported, or null.</summary>
    internal KernelException? Failure
    {
        get
        {
            var context = memory.Context;
            if (context->FailedStep == null) return null;
            return new KernelException(names[(int)(context->FailedStep - memory.Steps)], (Errno)(int)context->FailedErrno);
        }
    }

    public void Dispose() => memory.Dispose();
}
