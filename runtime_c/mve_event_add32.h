/* out = bias + the rows of weights whose numbers are in the list. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_mve_event_add32(
    const int8_t *weights, const uint16_t *list, const uint16_t *end, const int32_t *bias, int32_t *out,
    int32_t outputs)
{
#if defined(tinyc_mve_assembly)
    int32_t o = 0;

    for (; o + 16 <= outputs; o += 16) {
        int32x4_t a = vld1q_s32(bias + o), b = vld1q_s32(bias + o + 4);
        int32x4_t c = vld1q_s32(bias + o + 8), d = vld1q_s32(bias + o + 12);

        for (const uint16_t *row = list; row < end; ++row) {
            const int8_t *w = weights + *row * outputs + o;

            a = vaddq_s32(a, vldrbq_s32(w));
            b = vaddq_s32(b, vldrbq_s32(w + 4));
            c = vaddq_s32(c, vldrbq_s32(w + 8));
            d = vaddq_s32(d, vldrbq_s32(w + 12));
        }
        vst1q_s32(out + o, a);
        vst1q_s32(out + o + 4, b);
        vst1q_s32(out + o + 8, c);
        vst1q_s32(out + o + 12, d);
    }
    for (; o < outputs; o += 8) {
        const int32_t left = outputs - o;
        const mve_pred16_t p = vctp32q((uint32_t)left), q = vctp32q(left > 4 ? (uint32_t)left - 4u : 0u);
        int32x4_t a = vldrwq_z_s32(bias + o, p), b = vldrwq_z_s32(bias + o + 4, q);

        for (const uint16_t *row = list; row < end; ++row) {
            const int8_t *w = weights + *row * outputs + o;

            a = vaddq_s32(a, vldrbq_z_s32(w, p));
            b = vaddq_s32(b, vldrbq_z_s32(w + 4, q));
        }
        vstrwq_p_s32(out + o, a, p);
        vstrwq_p_s32(out + o + 4, b, q);
    }
#else
    memcpy(out, bias, (size_t)outputs * sizeof(*out));
    for (; list < end; ++list) {
        for (int32_t o = 0; o < outputs; ++o) {
            out[o] = (int32_t)(out[o] + weights[*list * outputs + o]);
        }
    }
#endif
}
