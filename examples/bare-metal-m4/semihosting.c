#include "semihosting.h"

#include <stdint.h>

enum { SYS_WRITE0 = 0x04, SYS_EXIT = 0x18 };
enum { APPLICATION_EXIT = 0x20026, RUN_TIME_ERROR = 0x20023 };

static void host(int operation, uintptr_t argument)
{
    register int r0 __asm__("r0") = operation;
    register uintptr_t r1 __asm__("r1") = argument;

    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}

void semihosting_print(const char *text)
{
    host(SYS_WRITE0, (uintptr_t)text);
}

void semihosting_exit(int code)
{
    for (;;) {
        host(SYS_EXIT, code == 0 ? APPLICATION_EXIT : RUN_TIME_ERROR);
    }
}
