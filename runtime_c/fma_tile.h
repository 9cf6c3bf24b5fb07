/* Pixels, of which four channels are computed at a time; sizes are in bytes. The assembly knows the places of these. */
struct tinyc_fma_tile {
    const float *weights;     /* of the first four channels, from the first tap on */
    int32_t way;              /* from where a row points to, to the first pixel's first tap */
    int32_t step;             /* from one pixel's taps to the next one's */
    int32_t taps;             /* in a row (depthwise: their number) */
    int32_t skip;             /* weights of a row that are left out */
    const float *bias;
    const float *const *rows; /* the input's rows under the kernel, */
    const float *const *end;  /* and their end */
    float *out;               /* the first pixel's first channel */
    int32_t out_step;         /* from one pixel to the next one */
    int32_t next;             /* weights of rows that are left out */
    float *out_end;           /* behind the first pixel's last channel */
    int32_t pitch;            /* depthwise: from one tap to the next one */
};
