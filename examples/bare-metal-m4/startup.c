/* What happens between power-on and main(). */
#include <stdint.h>

#include "semihosting.h"

int main(void);
void reset(void);

extern uint32_t data_stored[], data_begin[], data_end[], bss_begin[], bss_end[], stack_top[]; /* mps2-an386.ld */

/* Not inlined: it may keep values in FPU registers, which its caller switches on. */
__attribute__((noinline, noreturn)) static void start(void)
{
    const uint32_t *from = data_stored;

    for (volatile uint32_t *to = data_begin; to < data_end; ++to) {
        *to = *from++;
    }
    for (volatile uint32_t *to = bss_begin; to < bss_end; ++to) {
        *to = 0u;
    }
    semihosting_exit(main());
}

void reset(void)
{
    *(volatile uint32_t *)0xE000ED88u |= 0xFu << 20; /* CPACR: full access to the FPU */
    __asm__ volatile("dsb\n\tisb" ::: "memory");
    start();
}

__attribute__((noreturn)) static void fault(void)
{
    semihosting_print("fault\n");
    semihosting_exit(1);
}

typedef void (*handler)(void);

/* The stack, the reset handler, then the exceptions 2 to 15. Interrupts stay off, so theirs are left out. */
__attribute__((section(".vectors"), used)) static const struct {
    const uint32_t *stack;
    handler reset, exceptions[14];
} vectors = {
    stack_top,
    reset,
    { fault, fault, fault, fault, fault, 0, 0, 0, 0, fault, fault, 0, fault, fault },
};
