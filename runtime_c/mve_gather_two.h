/* The taps of two pixels, all of them inside of the input: way[2] bytes of each row from `row` up to `end`, from way[0]
 * on. The second pixel is way[1] bytes from the first one, and its taps are put way[3] bytes behind. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_mve_gather_two(
    int8_t *to, const int8_t *const *row, const int8_t *const *end, const int32_t *way)
{
#if defined(tinyc_mve_assembly)
    register int8_t *r0 __asm__("r0") = to;
    register const int8_t *const *r1 __asm__("r1") = row;
    register const int8_t *const *r2 __asm__("r2") = end;
    register const int32_t *r3 __asm__("r3") = way;

    __asm__ volatile(
        "push {r4-r11, lr}\n"
        "ldm r3, {r4, r5, r6, r7}\n"
        "add r7, r7, r0\n"
        "1:\n"
        "ldr r8, [r1], #4\n"
        "mov r10, r0\n"
        "mov r11, r7\n"
        "add r8, r8, r4\n"
        "add r9, r8, r5\n"
        "dlstp.8 lr, r6\n"
        "2:\n"
        "vldrb.u8 q0, [r8], #16\n"
        "vstrb.8 q0, [r10], #16\n"
        "vldrb.u8 q1, [r9], #16\n"
        "vstrb.8 q1, [r11], #16\n"
        "letp lr, 2b\n"
        "add r0, r0, r6\n"
        "add r7, r7, r6\n"
        "cmp r1, r2\n"
        "bne 1b\n"
        "pop {r4-r11, lr}\n"
        : "+r"(r0), "+r"(r1), "+r"(r2), "+r"(r3) : : "r12", "lr", "q0", "q1", "cc", "memory");
#else
    for (; row < end; ++row, to += way[2]) {
        tinyc_mve_copy(to, *row + way[0], way[2]);
        tinyc_mve_copy(to + way[3], *row + way[0] + way[1], way[2]);
    }
#endif
}
