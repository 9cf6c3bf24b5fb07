/* The remainder of a / b with the sign of b; 0 where b is 0. */
static inline TINYC_HOT_ATTR int32_t tinyc_modulo(int32_t a, int32_t b)
{
    const int32_t rest = tinyc_remainder(a, b);

    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}
