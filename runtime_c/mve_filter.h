/* One pixel of a depthwise convolution, 16 channels at a time. `taps` are the pixels under the kernel. */
static TINYC_ROUTINE_ATTR void tinyc_mve_filter(
    const struct tinyc_mve_depthwise *conv, const int8_t *const *taps, int8_t *out)
{
    const int32_t count = conv->rows * conv->columns, channels = conv->channels;
    const uint32_t *block = conv->weights;

    for (int32_t c = 0; c < channels; c += 16, block += 4 * count + 32) {
        const int32_t at = channels > 16 && c > channels - 16 ? channels - 16 : c;
#if defined(tinyc_mve_assembly)
        const mve_pred16_t used = vctp8q((uint32_t)(channels - at));
        const int32_t *ends = (const int32_t *)(const void *)(block + 4 * count);
        const int8_t *weights = (const int8_t *)(const void *)block;
        int32x4_t a = vldrwq_s32(ends), b = vldrwq_s32(ends + 4), c0 = vldrwq_s32(ends + 8), d = vldrwq_s32(ends + 12);

        for (int32_t k = 0; k < count; ++k, weights += 16) {
            const int8x16_t x = vldrbq_z_s8(taps[k] + at, used), w = vldrbq_s8(weights);
            const int16x8_t even = vmullbq_int_s8(x, w), odd = vmulltq_int_s8(x, w);

            a = vaddq_s32(a, vmovlbq_s16(even));
            b = vaddq_s32(b, vmovltq_s16(even));
            c0 = vaddq_s32(c0, vmovlbq_s16(odd));
            d = vaddq_s32(d, vmovltq_s16(odd));
        }
        a = vhaddq_n_s32(vmulhq_s32(a, vldrwq_s32(ends + 16)), conv->offset);
        b = vhaddq_n_s32(vmulhq_s32(b, vldrwq_s32(ends + 20)), conv->offset);
        c0 = vhaddq_n_s32(vmulhq_s32(c0, vldrwq_s32(ends + 24)), conv->offset);
        d = vhaddq_n_s32(vmulhq_s32(d, vldrwq_s32(ends + 28)), conv->offset);

        const int16x8_t even = vqmovntq_s32(vqmovnbq_s32(vreinterpretq_s16_s32(a), a), b);
        const int16x8_t odd = vqmovntq_s32(vqmovnbq_s32(vreinterpretq_s16_s32(c0), c0), d);

        vstrbq_p_s8(out + at, vqmovntq_s16(vqmovnbq_s16(vreinterpretq_s8_s16(even), even), odd), used);
#else
        for (int32_t lane = 0; lane < 16 && at + lane < channels; ++lane) {
            out[at + lane] = tinyc_mve_weighted(taps, count, at + lane, block, lane, conv->offset);
        }
#endif
    }
}
