/* Adds two sums to those of channels 0 and 4: `both` is the first plus 65536 times the second, each of 16 bits. */
static inline TINYC_HOT_ATTR void tinyc_packed_halves(int32_t *sums, int32_t both)
{
    const int32_t first = (int32_t)((uint32_t)both << 16) >> 16;

    sums[0] += first;
    sums[4] += (both - first) >> 16;
}
