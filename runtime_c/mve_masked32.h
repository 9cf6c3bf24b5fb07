/* Currents of 32 bits of `inputs` inputs, a multiple of sixteen, which have a byte each. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_mve_masked32(
    const uint32_t *weights, const uint8_t *masks, int32_t inputs, int32_t *out, int32_t outputs)
{
    for (; outputs > 0; outputs -= 4, weights += 4 + inputs, out += 4) {
        uint32_t sums[4];

        tinyc_mve_masked(weights, masks, inputs, sums);
#if defined(tinyc_mve_assembly)
        {
            const int32x4_t twice = vnegq_s32(vreinterpretq_s32_u32(vld1q_u32(sums)));

            vstrwq_p_s32(out, vshrq_n_s32(twice, 1), vctp32q((uint32_t)outputs));
        }
#else
        for (int32_t i = 0; i < 4 && i < outputs; ++i) {
            out[i] = (int32_t)(-(int32_t)sums[i] >> 1);
        }
#endif
    }
}
