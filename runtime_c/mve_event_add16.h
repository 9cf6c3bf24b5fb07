/* out = bias + the rows of weights whose numbers are in the list. Sums may wrap on the way: the last ones
 * fit. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_mve_event_add16(
    const int8_t *weights, const uint16_t *list, const uint16_t *end, const int16_t *bias, int16_t *out,
    int32_t outputs)
{
#if defined(tinyc_mve_assembly)
    int32_t o = 0;

    for (; o + 32 <= outputs; o += 32) {
        int16x8_t a = vld1q_s16(bias + o), b = vld1q_s16(bias + o + 8);
        int16x8_t c = vld1q_s16(bias + o + 16), d = vld1q_s16(bias + o + 24);

        for (const uint16_t *row = list; row < end; ++row) {
            const int8_t *w = weights + *row * outputs + o;

            a = vaddq_s16(a, vldrbq_s16(w));
            b = vaddq_s16(b, vldrbq_s16(w + 8));
            c = vaddq_s16(c, vldrbq_s16(w + 16));
            d = vaddq_s16(d, vldrbq_s16(w + 24));
        }
        vst1q_s16(out + o, a);
        vst1q_s16(out + o + 8, b);
        vst1q_s16(out + o + 16, c);
        vst1q_s16(out + o + 24, d);
    }
    for (; o < outputs; o += 16) {
        const int32_t left = outputs - o;
        const mve_pred16_t p = vctp16q((uint32_t)left), q = vctp16q(left > 8 ? (uint32_t)left - 8u : 0u);
        int16x8_t a = vldrhq_z_s16(bias + o, p), b = vldrhq_z_s16(bias + o + 8, q);

        for (const uint16_t *row = list; row < end; ++row) {
            const int8_t *w = weights + *row * outputs + o;

            a = vaddq_s16(a, vldrbq_z_s16(w, p));
            b = vaddq_s16(b, vldrbq_z_s16(w + 8, q));
        }
        vstrhq_p_s16(out + o, a, p);
        vstrhq_p_s16(out + o + 8, b, q);
    }
#else
    memcpy(out, bias, (size_t)outputs * sizeof(*out));
    for (; list < end; ++list) {
        for (int32_t o = 0; o < outputs; ++o) {
            out[o] = (int16_t)(out[o] + weights[*list * outputs + o]);
        }
    }
#endif
}
