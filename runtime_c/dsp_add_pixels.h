/* Adds pixels of a row to the sums of their channels, for four channels after the other: way[0] bytes of them, way[1]
 * apart, up to `row`. Sums have 16 bits, those of channels 0 and 2 of four in one word, 1 and 3 in the next. `rest` is
 * how many channels are behind the first four; the last four may have been in others. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_dsp_add_pixels(
    uint32_t *sums, const int8_t *row, const int32_t *way, int32_t rest)
{
#if defined(tinyc_dsp_assembly)
    register uint32_t *r0 __asm__("r0") = sums;
    register const int8_t *r1 __asm__("r1") = row;
    register const int32_t *r2 __asm__("r2") = way;
    register int32_t r3 __asm__("r3") = rest;

    __asm__ volatile(
        "push {r4-r8}\n"
        "ldrd r2, r12, [r2]\n"
        "1:\n"
        "ldrd r4, r5, [r0]\n"
        "mov r6, r2\n"
        "2:\n"
        "ldr r7, [r1, r6]\n"
        "adds r6, r6, r12\n"
        "sxtab16 r4, r4, r7\n"
        "sxtab16 r5, r5, r7, ror #8\n"
        "bne 2b\n"
        "strd r4, r5, [r0], #8\n"
        "subs r3, r3, #4\n"
        "itee ge\n"
        "addge r1, r1, #4\n"
        "addlt r1, r1, r3\n"
        "addlt r1, r1, #4\n"
        "cmp r3, #-4\n"
        "bgt 1b\n"
        "pop {r4-r8}\n"
        : "+r"(r0), "+r"(r1), "+r"(r2), "+r"(r3) : : "r12", "cc", "memory");
#else
    for (int32_t first = 0; first < rest + 4; first += 4, sums += 2) {
        const int8_t *four = row + (first > rest ? rest : first);

        for (int32_t at = way[0]; at < 0; at += way[1]) {
            for (int32_t odd = 0; odd < 2; ++odd) {
                const int32_t low = (int16_t)sums[odd] + four[at + odd];
                const int32_t high = (int16_t)(sums[odd] >> 16) + four[at + odd + 2];

                sums[odd] = (uint16_t)low | (uint32_t)(uint16_t)high << 16;
            }
        }
    }
#endif
}
