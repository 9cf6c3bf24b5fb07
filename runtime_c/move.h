/* memmove, in words where those lie in order. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_move(void *to, const void *from, size_t count)
{
#if defined(__GNUC__) && defined(__thumb2__)
    if ((uintptr_t)to < (uintptr_t)from && (((uintptr_t)to | (uintptr_t)from) & 3u) == 0u && count >= 32u) {
        register void *r0 __asm__("r0") = to;
        register const void *r1 __asm__("r1") = from;
        register size_t r2 __asm__("r2") = count - 32u;

        __asm__ volatile(
            "push {r4-r10}\n"
            "1:\n"
            "ldm r1!, {r3-r10}\n"
            "subs r2, r2, #32\n"
            "stm r0!, {r3-r10}\n"
            "bhs 1b\n"
            "pop {r4-r10}\n"
            : "+r"(r0), "+r"(r1), "+r"(r2) : : "r3", "cc", "memory");
        to = r0;
        from = r1;
        count = r2 + 32u;
    }
#endif
    memmove(to, from, count);
}
