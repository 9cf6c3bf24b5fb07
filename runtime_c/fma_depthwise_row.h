/* `count` pixels of an output row of a depthwise convolution of at least four channels; operands are as for the others.
 * Up to four pixels at a time share the weights. The last four channels may be some that were computed already. */
static TINYC_ROUTINE_ATTR void tinyc_fma_depthwise_row(
    const struct tinyc_fma_conv *conv, const float *const *rows, int32_t origin, int32_t x, int32_t count, float *out)
{
    const int32_t channels = conv->channels, pixel = channels * 4, whole = channels & ~3;
    struct tinyc_fma_tile tile = {
        .step = conv->stride * pixel, .out_step = pixel, .pitch = conv->dilation * pixel
    };
    const int32_t above = tinyc_fma_rows(&tile, rows, conv->rows);

    tile.next = (conv->rows - (int32_t)(tile.end - tile.rows)) * conv->columns * 16;
    while (count > 0) {
        const struct tinyc_fma_span span = tinyc_fma_inside(conv, x, count);

        tile.weights = conv->weights + (above * conv->columns + span.begin) * 4;
        tile.way = (span.first + span.begin * conv->dilation - origin) * pixel;
        tile.taps = span.end - span.begin;
        tile.skip = (conv->columns - tile.taps) * 16;
        tile.bias = conv->bias;
        tile.out = out;
        tile.out_end = out + whole;
        conv->tiles[span.pixels - 1](&tile);
        if (whole < channels) {
            tile.way += pixel - 16;
            tile.out = out + channels - 4;
            tile.out_end = out + channels;
            conv->tiles[span.pixels - 1](&tile);
        }
        x += span.pixels;
        count -= span.pixels;
        out += span.pixels * channels;
    }
}
