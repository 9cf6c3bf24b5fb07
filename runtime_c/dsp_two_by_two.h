/* Adds the products of two rows and two columns, which take turns, to four sums. */
static inline TINYC_HOT_ATTR void tinyc_dsp_two_by_two(
    const uint32_t *left, const uint32_t *end, const uint32_t *right, int32_t *sums)
{
    int32_t a = sums[0], b = sums[1], c = sums[2], d = sums[3];

    while (left < end) {
#if defined(tinyc_dsp_assembly)
        __asm__("ldrd r8, r9, [%4], #8\n"
                "ldrd r10, r11, [%5], #8\n"
                "smlad %0, r8, r10, %0\n"
                "smlad %1, r8, r11, %1\n"
                "smlad %2, r9, r10, %2\n"
                "smlad %3, r9, r11, %3\n"
                "ldrd r8, r9, [%4], #8\n"
                "ldrd r10, r11, [%5], #8\n"
                "smlad %0, r8, r10, %0\n"
                "smlad %1, r8, r11, %1\n"
                "smlad %2, r9, r10, %2\n"
                "smlad %3, r9, r11, %3\n"
                : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(left), "+r"(right) : : "r8", "r9", "r10", "r11", "memory");
#else
        a += (int16_t)left[0] * (int16_t)right[0] + (int16_t)(left[0] >> 16) * (int16_t)(right[0] >> 16);
        b += (int16_t)left[0] * (int16_t)right[1] + (int16_t)(left[0] >> 16) * (int16_t)(right[1] >> 16);
        c += (int16_t)left[1] * (int16_t)right[0] + (int16_t)(left[1] >> 16) * (int16_t)(right[0] >> 16);
        d += (int16_t)left[1] * (int16_t)right[1] + (int16_t)(left[1] >> 16) * (int16_t)(right[1] >> 16);
        left += 2;
        right += 2;
#endif
    }
    sums[0] = a;
    sums[1] = b;
    sums[2] = c;
    sums[3] = d;
}
