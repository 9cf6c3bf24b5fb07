/* Currents of four outputs from all weights, as tinyc_dsp_masked tells: VABAV adds up sixteen differences. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_mve_masked(
    const uint32_t *group, const uint8_t *masks, int32_t inputs, int32_t *currents)
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
    currents[0] = -(int32_t)a >> 1;
    currents[1] = -(int32_t)b >> 1;
    currents[2] = -(int32_t)c >> 1;
    currents[3] = -(int32_t)d >> 1;
}
