/* `count` pixels of an output row, in column x and behind. `rows` are the input's three rows under the kernel, NULL for
 * one of padding; what they point to is column `origin`. */
static TINYC_ROUTINE_ATTR void tinyc_tile_taps_row(
    const struct tinyc_tile_conv *conv, const int8_t *const *rows, int32_t origin, int32_t x, int32_t count,
    int8_t *out)
{
    struct tinyc_tile_taps pixel = {
        { NULL }, conv->channels - 2, conv->weights, conv->parameters, conv->offset, conv->low, conv->high, out
    };

    for (int32_t first = x * conv->stride - conv->pad; count > 0; --count, first += conv->stride) {
        const int8_t **tap = pixel.taps;

        for (int32_t ky = 0; ky < 3; ++ky) {
            for (int32_t kx = 0; kx < 3; ++kx) {
                *tap++ = tinyc_tile_span(conv, rows[ky], first + kx, origin);
            }
        }
        tinyc_tile_nine(&pixel);
        pixel.out += conv->channels;
    }
}
