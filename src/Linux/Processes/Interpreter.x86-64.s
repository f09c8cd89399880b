# The interpreter of child programs, x86-64. Called as a C function: long start(struct context *rdi).
#
# It joins a pid namespace for its children when asked to, makes one clone3 child, leaves that namespace again and returns clone3's result. The
# child runs the table of steps. It writes no memory but result slots and the context, makes no call and touches no stack, so it may share its
# parent's address space (CLONE_VM | CLONE_VFORK): the parent's frame below it stays as it was.
#
#   context:  0 clone_args*   8 its size   16 steps*   24 pid namespace fd to join, or -1   32 own pid namespace fd
#            40 failed step* (out)        48 its errno (out)                               56 result of going back (out)
#   step:     0 number        8..48 six arguments      56 result slot* or 0
#            64 int32 steps to go on a tolerated error 68 int32 steps to go on success     72 mask of tolerated errnos, -1 = all
#   A step with number -1 copies the word at its first argument to its second.
#
# Assemble: as --64 -o interpreter.o Interpreter.x86-64.s && objcopy -O binary -j .text interpreter.o interpreter.bin
    .intel_syntax noprefix
    .text
start:
    push rbx
    push r12
    push r13
    mov  rbx, rdi
    mov  rdi, [rbx+24]
    test rdi, rdi
    js   1f
    mov  esi, 0x20000000            # CLONE_NEWPID
    mov  eax, 308                   # setns
    syscall
    test rax, rax
    js   3f
1:  mov  rdi, [rbx]
    mov  rsi, [rbx+8]
    mov  eax, 435                   # clone3
    syscall
    test rax, rax
    jz   child
    mov  r13, rax
    cmp  qword ptr [rbx+24], 0
    jl   2f
    mov  rdi, [rbx+32]
    mov  esi, 0x20000000
    mov  eax, 308
    syscall
    mov  [rbx+56], rax
2:  mov  rax, r13
3:  pop  r13
    pop  r12
    pop  rbx
    ret

child:
    mov  r12, [rbx+16]
step:
    mov  rax, [r12]
    mov  rdi, [r12+8]
    mov  rsi, [r12+16]
    test rax, rax
    js   copy
    mov  rdx, [r12+24]
    mov  r10, [r12+32]
    mov  r8,  [r12+40]
    mov  r9,  [r12+48]
    syscall
    mov  rcx, [r12+56]
    test rcx, rcx
    jz   4f
    mov  [rcx], rax
4:  test rax, rax
    js   error
success:
    movsxd rcx, dword ptr [r12+68]
advance:
    imul rcx, rcx, 80
    add  r12, rcx
    jmp  step
copy:
    mov  rax, [rdi]
    mov  [rsi], rax
    jmp  success
error:
    mov  rdx, rax
    neg  rdx
    mov  rcx, [r12+72]
    cmp  rcx, -1
    je   tolerated
    cmp  rdx, 63
    ja   fatal
    bt   rcx, rdx
    jnc  fatal
tolerated:
    movsxd rcx, dword ptr [r12+64]
    jmp  advance
fatal:
    mov  [rbx+40], r12
    mov  [rbx+48], rdx
    mov  eax, 231                   # exit_group
    mov  edi, 127
    syscall
    ud2
