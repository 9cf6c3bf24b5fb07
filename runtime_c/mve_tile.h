/* Pixels to be multiplied with all output channels, four at a time. Inputs are taken in blocks of 16, of which the
 * first one is filled up at its front: pointers are `lead` bytes before the first input. */
struct tinyc_mve_tile {
    uint32_t mask;           /* of the bytes in the first block that are inputs */
    const int8_t *a;         /* the first pixel, */
    int8_t *out_a, *out_b;   /* where both pixels' first channel is put, */
    const int8_t *b;         /* the second pixel, */
    int32_t offset;          /* of the requantization, whose shift is 1, */
    uint32_t skip;           /* where the unrolled loop is entered: bytes of code, plus 1, */
    int32_t bytes;           /* of the blocks, */
    const int8_t *end;       /* of the first pixel, */
    int32_t channels;
    int32_t pairs, step;     /* how many times two pixels; bytes from two pixels to the next two */
    const uint32_t *weights; /* for each four channels the blocks of all four in turns, biases, multipliers */
    int32_t lead;            /* as above */
};
