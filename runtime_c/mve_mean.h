/* Means over a kernel's elements, none of them padding; sizes are in elements. */
struct tinyc_mve_mean {
    int32_t rows, columns;             /* of the kernel */
    int32_t channels;                  /* at least 4 */
    int32_t stride, dilation;          /* of columns */
    int32_t start;                     /* of sums: the zero points taken off */
    int32_t before;                    /* by how much sums are shifted up before */
    int32_t multiplier, offset, shift; /* the requantization */
};
