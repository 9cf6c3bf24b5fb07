/* Currents of 32 bits of `inputs` inputs, a multiple of sixteen, which have a byte each. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_dsp_masked32(
    const uint32_t *weights, const uint8_t *masks, int32_t inputs, int32_t *out, int32_t outputs)
{
    const uint32_t *const words = (const uint32_t *)(const void *)masks;
    const struct tinyc_dsp_masked vector = {
        words, words + inputs / 4, ((uint32_t)inputs / 16u & 1u) * 84u + 1u, out, outputs
    };
#if defined(tinyc_dsp_assembly)
    register const struct tinyc_dsp_masked *r0 __asm__("r0") = &vector;
    register const uint32_t *r1 __asm__("r1") = weights;

#  define TINYC_DSP_MASKED_STORE32(sum) "str " sum ", [r0], #4"
    __asm__ volatile(
        TINYC_DSP_MASKED(TINYC_DSP_MASKED_STORE32)
        : "+r"(r0), "+r"(r1) : : "r2", "r3", "r12", "lr", "cc", "memory");
#else
    for (int32_t o = 0; o < outputs; ++o) {
        *out++ = (int32_t)tinyc_dsp_masked_current(&vector, weights + o / 4 * (4 + inputs), o);
    }
#endif
}
