/* The remainder of a / b with the sign of a; 0 where b is 0. */
static inline TINYC_HOT_ATTR int32_t tinyc_remainder(int32_t a, int32_t b)
{
    return b == 0 || b == -1 ? 0 : a % b;
}
