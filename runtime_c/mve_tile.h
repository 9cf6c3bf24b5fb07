/* One or two pixels to be multiplied with all output channels, four at a time. Inputs are taken in blocks of 16, of
 * which the first one is filled up at its front: pointers are `lead` bytes before the first input. */
struct tinyc_mve_tile {
    uint32_t mask;          /* of the bytes in the first block that are inputs */
    const int8_t *a;        /* the first pixel, */
    int8_t *out_a, *out_b;  /* where both pixels' first channel is put, */
    const int8_t *b;        /* the second pixel, */
    int32_t offset;         /* of the requantization, whose shift is 1, */
    uint32_t skip;          /* where the unrolled loop is entered: bytes of code, plus 1, */
    int32_t bytes;          /* of the blocks, */
    const int8_t *end;      /* of the first pixel, */
    int32_t channels, lead; /* and as above */
};
