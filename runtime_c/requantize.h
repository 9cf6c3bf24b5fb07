/* y = (offset + upper half of (acc * multiplier)) >> shift, with the product in 64 bits. Nested floors are
 * exact, so only ties (which round up) differ from real arithmetic. Shifts of negative values are
 * arithmetic on every compiler that this code is meant for. */
static inline TINYC_HOT_ATTR int32_t tinyc_requantize(int32_t acc, int32_t multiplier, int32_t offset, int shift)
{
#if defined(__ARM_ARCH_6M__) /* has no products of 64 bits: those of halves instead of a call */
    const int32_t low = acc & 0xffff, high = acc >> 16;
    const int32_t low_factor = multiplier & 0xffff, high_factor = multiplier >> 16;
    const int32_t outer = (int32_t)(((uint32_t)low * (uint32_t)low_factor) >> 16) + high * low_factor;
    const int32_t upper = (((outer & 0xffff) + low * high_factor) >> 16) + (outer >> 16) + high * high_factor;

    return (offset + upper) >> shift;
#else
    return (offset + (int32_t)(((int64_t)acc * multiplier) >> 32)) >> shift;
#endif
}
