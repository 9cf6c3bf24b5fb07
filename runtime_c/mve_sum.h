/* A sum of two scaled operands, in fixed point. */
struct tinyc_mve_sum {
    int32_t first, second; /* multipliers */
    int32_t offset, shift;
};
