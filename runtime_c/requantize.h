/* y = (offset + upper half of (acc * multiplier)) >> shift, with the product in 64 bits. Nested floors are
 * exact, so only ties (which round up) differ from real arithmetic. Shifts of negative values are
 * arithmetic on every compiler that this code is meant for. */
static inline TINYC_HOT_ATTR int32_t tinyc_requantize(int32_t acc, int32_t multiplier, int32_t offset, int shift)
{
    return (offset + (int32_t)(((int64_t)acc * multiplier) >> 32)) >> shift;
}
