/* As tinyc_remainder, for 64 bits. */
static inline TINYC_HOT_ATTR int64_t tinyc_remainder64(int64_t a, int64_t b)
{
    return b == 0 || b == -1 ? 0 : a % b;
}
