/* Multiplies two inputs of 16 bits in each word by 2^shift; they have at most 16 - shift bits. */
static inline TINYC_HOT_ATTR void tinyc_dsp_scaled(uint32_t *words, int32_t count, int32_t shift)
{
    const uint32_t kept = ~(((1u << shift) - 1u) << 16);

    for (const uint32_t *end = words + count; words < end; ++words) {
        *words = (*words << shift) & kept;
    }
}
