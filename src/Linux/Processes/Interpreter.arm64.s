# The interpreter of child programs, arm64. The same contract and layout as Interpreter.x86-64.s.
# Assembled, but never run on such a machine by the project's own tests.
#
# Assemble: aarch64-linux-gnu-as -o interpreter.o Interpreter.arm64.s && aarch64-linux-gnu-objcopy -O binary -j .text interpreter.o interpreter.bin
    .text
start:
    stp  x19, x20, [sp, #-32]!
    str  x21, [sp, #16]
    mov  x19, x0
    ldr  x0, [x19, #24]
    tbnz x0, #63, 1f
    mov  x1, #0x20000000            // CLONE_NEWPID
    mov  x8, #268                   // setns
    svc  #0
    tbnz x0, #63, 3f
1:  ldr  x0, [x19]
    ldr  x1, [x19, #8]
    mov  x8, #435                   // clone3
    svc  #0
    cbz  x0, child
    mov  x21, x0
    ldr  x0, [x19, #24]
    tbnz x0, #63, 2f
    ldr  x0, [x19, #32]
    mov  x1, #0x20000000
    mov  x8, #268
    svc  #0
    str  x0, [x19, #56]
2:  mov  x0, x21
3:  ldr  x21, [sp, #16]
    ldp  x19, x20, [sp], #32
    ret

child:
    ldr  x20, [x19, #16]
    mov  x10, #80
step:
    ldr  x8, [x20]
    ldr  x0, [x20, #8]
    ldr  x1, [x20, #16]
    tbnz x8, #63, copy
    ldr  x2, [x20, #24]
    ldr  x3, [x20, #32]
    ldr  x4, [x20, #40]
    ldr  x5, [x20, #48]
    svc  #0
    ldr  x9, [x20, #56]
    cbz  x9, 4f
    str  x0, [x9]
4:  tbnz x0, #63, error
success:
    ldrsw x9, [x20, #68]
advance:
    mov  x10, #80
    madd x20, x9, x10, x20
    b    step
copy:
    ldr  x9, [x0]
    str  x9, [x1]
    b    success
error:
    neg  x11, x0
    ldr  x9, [x20, #72]
    cmn  x9, #1
    b.eq tolerated
    cmp  x11, #63
    b.hi fatal
    lsr  x9, x9, x11
    tbz  x9, #0, fatal
tolerated:
    ldrsw x9, [x20, #64]
    b    advance
fatal:
    str  x20, [x19, #40]
    str  x11, [x19, #48]
    mov  x8, #94                    // exit_group
    mov  x0, #127
    svc  #0
    brk  #0
