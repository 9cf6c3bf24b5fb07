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
    struct tinyc_mve_tile tile = {
        0xffffu & 0xffffu << lead, NULL, NULL, NULL, NULL, conv->offset, unrolled * 56u + 1u, bytes, NULL, channels, lead
    };

    for (int32_t first = x * conv->stride - conv->pad; count > 0; count -= 2, first += 2 * conv->stride) {
        const int8_t *in = work;
        int32_t apart = taps;

        if (work == NULL) {
            in = rows[0] + (first - origin) * conv->depth;
            apart = step;
        } else {
            tinyc_mve_gather(conv, rows, first, origin, work);
            if (count > 1) {
                tinyc_mve_gather(conv, rows, first + conv->stride, origin, work + taps);
            }
        }
        tile.a = in - lead;
        tile.b = tile.a + apart;
        tile.end = tile.a + bytes;
        tile.out_a = out;
        tile.out_b = out + channels;
        out += 2 * channels;
        if (count > 1) {
            tinyc_mve_two(&tile, conv->weights);
        } else {
            tile.skip = unrolled * 36u + 1u;
            tinyc_mve_one(&tile, conv->weights);
        }
    }
}
