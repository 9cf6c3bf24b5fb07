/* Widens `count` inputs (a multiple of 4) of one pixel to 16 bits: elements 0 and 2 of four in one word, 1 and 3 in the
 * next one. The words of `lanes` pixels take turns. */
static inline TINYC_HOT_ATTR void tinyc_dsp_spread(uint32_t *to, const int8_t *from, int32_t count, int32_t lanes)
{
    for (const int8_t *end = from + count; from < end; from += 4, to += 2 * lanes) {
#if defined(tinyc_dsp_assembly)
        uint32_t four, even, odd;

        __asm__("ldr %0, [%3]\n"
                "sxtb16 %1, %0\n"
                "sxtb16 %2, %0, ror #8\n"
                : "=&r"(four), "=&r"(even), "=r"(odd) : "r"(from), "m"(*(const int8_t (*)[4])from));
        to[0] = even;
        to[lanes] = odd;
#else
        to[0] = (uint16_t)from[0] | (uint32_t)(uint16_t)from[2] << 16;
        to[lanes] = (uint16_t)from[1] | (uint32_t)(uint16_t)from[3] << 16;
#endif
    }
}
