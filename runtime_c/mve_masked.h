/* The currents of four outputs from all weights, times -2, as by the DSP extension: VABAV adds up sixteen differences
 * of bytes. */
static inline TINYC_HOT_ATTR void tinyc_mve_masked(
    const uint32_t *group, const uint8_t *masks, int32_t inputs, uint32_t *sums)
{
    uint32_t a = group[0], b = group[1], c = group[2], d = group[3];
    const uint8_t *w = (const uint8_t *)(group + 4);

    for (const uint8_t *const end = masks + inputs; masks < end; masks += 16, w += 64) {
#if defined(tinyc_mve_assembly)
        const uint8x16_t mask = vld1q_u8(masks);

        a = vabavq_u8(a, vld1q_u8(w), mask);
        b = vabavq_u8(b, vld1q_u8(w + 16), mask);
        c = vabavq_u8(c, vld1q_u8(w + 32), mask);
        d = vabavq_u8(d, vld1q_u8(w + 48), mask);
#else
        for (int32_t i = 0; i < 16; ++i) {
            a += (uint32_t)(w[i] > masks[i] ? w[i] - masks[i] : masks[i] - w[i]);
            b += (uint32_t)(w[i + 16] > masks[i] ? w[i + 16] - masks[i] : masks[i] - w[i + 16]);
            c += (uint32_t)(w[i + 32] > masks[i] ? w[i + 32] - masks[i] : masks[i] - w[i + 32]);
            d += (uint32_t)(w[i + 48] > masks[i] ? w[i + 48] - masks[i] : masks[i] - w[i + 48]);
        }
#endif
    }
    sums[0] = a;
    sums[1] = b;
    sums[2] = c;
    sums[3] = d;
}
