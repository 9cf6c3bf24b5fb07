/* How a product becomes an element of the output. */
struct tinyc_dsp_factors {
    uint32_t left, right; /* zero points to add to each operand, twice 16 bits */
    int32_t multiplier;
    int32_t offset;       /* of the requantization, whose shift is 1 */
};

/* Products of `count` elements. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_dsp_product(
    const struct tinyc_dsp_factors *factors, const int8_t *a, const int8_t *b, int8_t *out, int32_t count)
{
    int8_t *const end = out + count;
    const uint32_t left = factors->left, right = factors->right;

#if defined(tinyc_dsp_assembly)
    for (int8_t *const fours = out + (count & ~3); out < fours;) {
        uint32_t x, y, products[2];

        __asm__ volatile(
                "ldr %0, [%4], #4\n"
                "ldr %1, [%5], #4\n"
                "sxtab16 %2, %7, %0\n"
                "sxtab16 %3, %8, %1\n"
                "sxtab16 %0, %7, %0, ror #8\n"
                "sxtab16 %1, %8, %1, ror #8\n"
                "smulbb r12, %2, %3\n"
                "smultt %2, %2, %3\n"
                "smulbb %3, %0, %1\n"
                "smultt %1, %0, %1\n"
                "smmla %0, r12, %9, %10\n"
                "smmla %2, %2, %9, %10\n"
                "smmla %3, %3, %9, %10\n"
                "smmla %1, %1, %9, %10\n"
                "ssat %0, #8, %0, asr #1\n"
                "ssat %2, #8, %2, asr #1\n"
                "ssat %3, #8, %3, asr #1\n"
                "ssat %1, #8, %1, asr #1\n"
                "bfi %0, %3, #8, #8\n"
                "bfi %0, %2, #16, #8\n"
                "bfi %0, %1, #24, #8\n"
                "str %0, [%6], #4\n"
                : "=&r"(x), "=&r"(y), "=&r"(products[0]), "=&r"(products[1]),
                  "+&r"(a), "+&r"(b), "+&r"(out)
                : "r"(left), "r"(right), "r"(factors->multiplier), "r"(factors->offset)
                : "r12", "memory");
    }
#endif
    for (; out < end; ++out, ++a, ++b) {
        const int32_t product = (*a + (int16_t)left) * (*b + (int16_t)right);

        *out = (int8_t)tinyc_clamp(
            tinyc_requantize(product, factors->multiplier, factors->offset, 1), -128, 127);
    }
}
