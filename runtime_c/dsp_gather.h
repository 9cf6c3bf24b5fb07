/* The taps of three pixels, all of them inside of the input, as tinyc_dsp_spread lays them out: way[2] of each row from
 * `row` up to `end`, from way[0] on. The pixels are way[1] bytes apart. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_dsp_gather(
    uint32_t *to, const int8_t *const *row, const int8_t *const *end, const int32_t *way)
{
#if defined(tinyc_dsp_assembly)
    register uint32_t *r0 __asm__("r0") = to;
    register const int8_t *const *r1 __asm__("r1") = row;
    register const int8_t *const *r2 __asm__("r2") = end;
    register const int32_t *r3 __asm__("r3") = way;

    __asm__ volatile(
        "push {r4-r11, lr}\n"
        "1:\n"
        "ldm r3, {r9, r10, r11}\n"
        "ldr r12, [r1], #4\n"
        "add r9, r12, r9\n"
        "add r12, r9, r10, lsl #1\n"
        "add r10, r9, r10\n"
        "add lr, r9, r11\n"
        "b 3f\n"
        "2:\n"
        "ldr r7, [r9], #4\n"
        "ldr r8, [r10], #4\n"
        "ldr r11, [r12], #4\n"
        "sxtb16 r4, r7\n"
        "sxtb16 r5, r8\n"
        "sxtb16 r6, r11\n"
        "sxtb16 r7, r7, ror #8\n"
        "sxtb16 r8, r8, ror #8\n"
        "sxtb16 r11, r11, ror #8\n"
        "stm r0!, {r4-r8, r11}\n"
        "3:\n"
        "cmp r9, lr\n"
        "bne 2b\n"
        "cmp r1, r2\n"
        "bne 1b\n"
        "pop {r4-r11, lr}\n"
        : "+r"(r0), "+r"(r1), "+r"(r2), "+r"(r3) : : "r12", "lr", "cc", "memory");
#else
    for (; row < end; ++row, to += 3 * way[2] / 2) {
        for (int32_t lane = 0; lane < 3; ++lane) {
            tinyc_dsp_spread(to + lane, *row + way[0] + lane * way[1], way[2], 3);
        }
    }
#endif
}
