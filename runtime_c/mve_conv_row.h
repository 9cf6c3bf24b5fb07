/* `count` pixels of an output row, in column x and behind. `rows` are the input's rows under the kernel, NULL for one
 * of padding; what they point to is column `origin`. `work` takes the taps of so many pixels as are gathered at a time;
 * NULL where these can be read where they are: of one tap, without padding, that is not overwritten. */
static TINYC_ROUTINE_ATTR void tinyc_mve_conv_row(
    const struct tinyc_mve_conv *conv, const int8_t *const *rows, int32_t origin, int32_t x, int32_t count, int8_t *out,
    int8_t *work)
{
    const int32_t taps = conv->rows * conv->columns * conv->depth, lead = -taps & 15, bytes = taps + lead;
    const int32_t channels = conv->channels, apart = conv->stride * conv->depth;
    const uint32_t more = (uint32_t)bytes / 16u - 1u, unrolled = more == 0u ? 4u : (0u - more) & 3u;
    const int32_t step = work == NULL ? apart : taps, most = work == NULL ? count : conv->most;
    int32_t first = x * conv->stride - conv->pad, last = conv->width - conv->stride - conv->columns;
    int32_t way[4] = { (first - origin) * conv->depth, apart, conv->columns * conv->depth, taps };
    struct tinyc_mve_tile tile = {
        0xffffu & 0xffffu << lead, NULL, NULL, NULL, NULL, conv->offset, unrolled * 56u + 1u, bytes, NULL, channels, 1,
        2 * step, conv->weights, lead
    };

    for (int32_t ky = 0; ky < conv->rows; ++ky) {
        last = rows[ky] == NULL ? -1 : last; /* in no place all taps are inside */
    }
    while (count > 0) {
        const int32_t pixels = count == 1 ? 1 : (count < most ? count : most) & ~1;

        tile.a = (work == NULL ? rows[0] + way[0] : work) - lead;
        tile.b = tile.a + step;
        tile.end = tile.a + bytes;
        tile.out_a = out;
        tile.out_b = out + channels;
        for (int32_t pixel = 0; work != NULL && pixel < pixels; pixel += 2) {
            int8_t *to = work + pixel * taps;

            if (pixels > 1 && first >= 0 && first <= last) {
                tinyc_mve_gather_two(to, rows, rows + conv->rows, way);
            } else {
                tinyc_mve_gather(conv, rows, first, origin, to);
                if (pixels > 1) {
                    tinyc_mve_gather(conv, rows, first + conv->stride, origin, to + taps);
                }
            }
            first += 2 * conv->stride;
            way[0] += 2 * apart;
        }
        tile.pairs = pixels / 2;
        if (pixels == 1) {
            tile.skip = unrolled * 36u + 1u;
            tinyc_mve_one(&tile);
        } else if (work == NULL && bytes == 16 && channels % 4 == 0) {
            tinyc_mve_short(&tile);
        } else {
            tinyc_mve_two(&tile);
        }
        if (work == NULL) {
            way[0] += pixels * apart;
        }
        out += pixels * channels;
        count -= pixels;
    }
}
