/* As tinyc_modulo, for 64 bits. */
static inline TINYC_HOT_ATTR int64_t tinyc_modulo64(int64_t a, int64_t b)
{
    const int64_t rest = tinyc_remainder64(a, b);

    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}
