/* A row of outputs of a depthwise convolution with a kernel of 3 rows and 3 columns, for four channels after the other.
 * Where a row of taps is padding its weights are dropped, and what it points to counts for nothing. */
struct tinyc_dsp_filters {
    int32_t bias, multiplier;                  /* room for the routine */
    int32_t offset;                            /* of the requantization, whose shift is 1 */
    const uint32_t *columns;                   /* all columns, six words each: some hold padding, the others are made */
    int8_t *out;
    uint32_t *made;                            /* the first of the columns that are made, from pixels in three rows, */
    const int8_t *top, *middle, *bottom;       /* which begin `way` elements (that is negative) from here */
    int32_t way;
    int32_t pitch;                             /* elements from one pixel to the next */
    int32_t rest;                              /* channels behind the first four; the last four may be made again */
    const uint32_t *weights;                   /* for channels 0, 2, 1, 3: bias, multiplier, a word for each column */
    int32_t pairs;                             /* elements of the outputs that are made two by two, */
    uint32_t odd;                              /* and whether there is one more */
    uint32_t stride;                           /* of columns, 1 or 2 */
    uint32_t room[2];
    uint32_t zeros;                            /* two inputs that are zero points */
    uint32_t dropped_tops, dropped_bottoms;    /* masks of the first two rows, as halves, and of the third */
};
