/* `count` pixels of an output row, in column x and behind. `rows` are the input's rows under the kernel, NULL for one
 * of padding; what they point to is column `origin`. `work` takes the taps of two pixels; NULL where these can be read
 * where they are: of one tap, without padding, that is not overwritten. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_mve_conv_row(
    const struct tinyc_mve_conv *conv, const int8_t *const *rows, int32_t origin, int32_t x, int32_t count, int8_t *out,
    int8_t *work)
{
    const int32_t taps = conv->rows * conv->columns * conv->depth, lead = -taps & 15, bytes = taps + lead;
    const int32_t channels = conv->channels, step = conv->stride * conv->depth;
    const uint32_t more = (uint32_t)bytes / 16u - 1u, unrolled = more == 0u ? 4u : (0u - more) & 3u;
    int32_t first = x * conv->stride - conv->pad, last = conv->width - conv->stride - conv->columns;
    int32_t way[4] = { (first - origin) * conv->depth, step, conv->columns * conv->depth, taps };
    struct tinyc_mve_tile tile = {
        0xffffu & 0xffffu << lead, NULL, NULL, NULL, NULL, conv->offset, unrolled * 56u + 1u, bytes, NULL, channels, 1,
        2 * step, conv->weights, lead
    };

    for (int32_t ky = 0; ky < conv->rows; ++ky) {
        last = rows[ky] == NULL ? -1 : last; /* in no place all taps are inside */
    }
    while (count > 0) {
        const int32_t pixels = work == NULL ? count & ~1 : 2; /* that are taken at once */

        tile.a = (work == NULL ? rows[0] + way[0] : work) - lead;
        tile.b = tile.a + (work == NULL ? step : taps);
        tile.end = tile.a + bytes;
        tile.out_a = out;
        tile.out_b = out + channels;
        if (count == 1) {
            if (work != NULL) {
                tinyc_mve_gather(conv, rows, first, origin, work);
            }
            tile.skip = unrolled * 36u + 1u;
            tinyc_mve_one(&tile);
            return;
        }
        if (work != NULL && first >= 0 && first <= last) {
            tinyc_mve_gather_two(work, rows, rows + conv->rows, way);
        } else if (work != NULL) {
            tinyc_mve_gather(conv, rows, first, origin, work);
            tinyc_mve_gather(conv, rows, first + conv->stride, origin, work + taps);
        }
        tile.pairs = pixels / 2;
        if (work == NULL && bytes == 16 && channels % 4 == 0) {
            tinyc_mve_short(&tile);
        } else {
            tinyc_mve_two(&tile);
        }
        first += pixels * conv->stride;
        way[0] += pixels * step;
        out += pixels * channels;
        count -= pixels;
    }
}
