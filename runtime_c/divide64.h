/* As tinyc_divide, for 64 bits. */
static inline TINYC_HOT_ATTR int64_t tinyc_divide64(int64_t a, int64_t b)
{
    return b == 0 ? 0 : b == -1 ? (int64_t)(0u - (uint64_t)a) : a / b;
}
