/* `count` pixels of an output row, in column x and behind. `rows` are the input's rows under the kernel, NULL for one
 * of padding; what they point to is column `origin`. Up to four pixels at a time share the weights. */
static TINYC_ROUTINE_ATTR void tinyc_fma_conv_row(
    const struct tinyc_fma_conv *conv, const float *const *rows, int32_t origin, int32_t x, int32_t count, float *out)
{
    const int32_t whole = conv->channels & ~3, rest = conv->channels - whole;
    const int32_t tap = conv->depth * 4, row = conv->columns * tap; /* bytes; their weights are four times as many */
    struct tinyc_fma_tile tile = { .step = conv->stride * tap };
    const int32_t above = tinyc_fma_rows(&tile, rows, conv->rows);

    tile.next = (conv->rows - (int32_t)(tile.end - tile.rows)) * row * 4;
    while (count > 0) {
        const struct tinyc_fma_span span = tinyc_fma_inside(conv, x, count);
        float last[16];

        tile.weights = conv->weights + above * row + span.begin * tap;
        tile.way = (span.first + span.begin - origin) * tap;
        tile.taps = (span.end - span.begin) * tap;
        tile.skip = (row - tile.taps) * 4;
        tile.bias = conv->bias;
        tile.out = out;
        tile.out_step = conv->channels * 4;
        tile.out_end = out + whole;
        if (whole > 0) {
            conv->tiles[span.pixels - 1](&tile);
        }
        if (rest > 0) {
            tile.out = last;
            tile.out_step = 16;
            tile.out_end = last + 4;
            conv->tiles[span.pixels - 1](&tile);
            for (int32_t p = 0; p < span.pixels; ++p) {
                for (int32_t o = 0; o < rest; ++o) {
                    out[p * conv->channels + whole + o] = last[4 * p + o];
                }
            }
        }
        x += span.pixels;
        count -= span.pixels;
        out += span.pixels * conv->channels;
    }
}
