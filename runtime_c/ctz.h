/* The number of the lowest bit that is set of a word that is not 0. Cores that have no instruction for it halve the
 * places where that bit may be. */
#if defined(__ARM_FEATURE_CLZ) || defined(__riscv_zbb) || (defined(__GNUC__) && !defined(__arm__) && !defined(__riscv))
#  define tinyc_ctz_builtin
#endif
static inline TINYC_HOT_ATTR int32_t tinyc_ctz(uint32_t word)
{
#if defined(tinyc_ctz_builtin)
    return __builtin_ctz(word);
#else
    const uint32_t lowest = word & (0u - word);
    int32_t number = (lowest & 0xffffu) == 0 ? 16 : 0;

    number += (lowest & 0x00ff00ffu) == 0 ? 8 : 0;
    number += (lowest & 0x0f0f0f0fu) == 0 ? 4 : 0;
    number += (lowest & 0x33333333u) == 0 ? 2 : 0;
    return number + ((lowest & 0x55555555u) == 0 ? 1 : 0);
#endif
}
