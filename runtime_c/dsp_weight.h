/* That of a key with this score. */
static inline TINYC_HOT_ATTR uint32_t tinyc_dsp_weight(
    const struct tinyc_dsp_exponent *e, int32_t top, uint32_t score)
{
    const int32_t below = (int32_t)(((uint32_t)top - score) << e->up);
    int32_t steps;

#if defined(tinyc_dsp_assembly)
    __asm__("smmla %0, %1, %2, %3" : "=r"(steps) : "r"(below), "r"(e->gain), "r"(e->rounding));
    steps >>= e->down;
    __asm__("usat %0, #13, %1" : "=r"(steps) : "r"(steps));
#else
    steps = tinyc_clamp(tinyc_requantize(below, e->gain, e->rounding, e->down), 0, 8191);
#endif
    return ((e->table[steps & 255] >> (steps >> 8)) + 1u) >> 1;
}
