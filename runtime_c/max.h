static inline TINYC_HOT_ATTR int32_t tinyc_max(int32_t a, int32_t b)
{
    return a > b ? a : b;
}
