/* a / b rounded toward 0, defined for all operands: 0 where b is 0, and the least number stays as it is over -1. */
static inline TINYC_HOT_ATTR int32_t tinyc_divide(int32_t a, int32_t b)
{
    return b == 0 ? 0 : b == -1 ? (int32_t)(0u - (uint32_t)a) : a / b;
}
