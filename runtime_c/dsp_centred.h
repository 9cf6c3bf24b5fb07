/* Widens a row or column to 16 bits, its zero point taken off, up to a multiple of four with zeros. Words of as many as
 * there are lanes take turns. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_dsp_centred(
    uint32_t *to, const int8_t *from, int32_t step, int32_t count, uint32_t zero, int32_t lanes)
{
    for (; count > 0; count -= 4, from += 4 * step, to += 2 * lanes) {
#if defined(tinyc_dsp_assembly)
        if (step == 1 && count >= 4) {
            uint32_t even, odd;

            __asm__("ldr %1, [%2]\n"
                    "sxtab16 %0, %3, %1\n"
                    "sxtab16 %1, %3, %1, ror #8\n"
                    : "=&r"(even), "=&r"(odd) : "r"(from), "r"(zero), "m"(*(const int8_t (*)[4])from));
            to[0] = even;
            to[lanes] = odd;
            continue;
        }
#endif
        uint32_t four[4] = { 0, 0, 0, 0 };

        for (int32_t i = 0; i < 4 && i < count; ++i) {
            four[i] = (uint16_t)(from[i * step] + (int16_t)zero);
        }
        to[0] = four[0] | four[2] << 16;
        to[lanes] = four[1] | four[3] << 16;
    }
}
