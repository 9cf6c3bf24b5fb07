/* A convolution of inputs of 16 bits; sizes of the input are in elements. */
struct tinyc_dsp_wide_conv {
    const uint32_t *weights;
    int32_t offset, shift; /* of the requantization */
    int32_t taps;          /* of a pixel, filled up to a multiple of four */
    int32_t channels;      /* of the output */
    int32_t depth;         /* of the input's pixel */
    int32_t rows, columns; /* of the kernel */
    int32_t stride, pad;   /* of columns; columns of padding on the left */
    int32_t width;         /* columns of the input */
    int16_t zero;          /* what the padding holds */
};

/* The taps of pixel `lane` of three, which begin in column `first` of the input, two at a time by turns. */
static TINYC_ROUTINE_ATTR void tinyc_dsp_wide_taps(
    const struct tinyc_dsp_wide_conv *conv, const int16_t *const *rows, int32_t first, int32_t origin, int16_t *to)
{
    const int32_t count = conv->columns * conv->depth;
    const int32_t begin = tinyc_clamp(-first, 0, conv->columns) * conv->depth;
    const int32_t end = tinyc_clamp((conv->width - first) * conv->depth, begin, count);
    int32_t odd = 0;

    for (int32_t ky = 0; ky < conv->rows; ++ky) {
        const int16_t *const taps = rows[ky] == NULL ? NULL : rows[ky] + (first - origin) * conv->depth;
        int32_t i = 0;

        if (taps != NULL && end - begin == count && odd == 0) {
            for (; i + 2 <= count; i += 2, to += 6) {
                to[0] = taps[i];
                to[1] = taps[i + 1];
            }
        }
        for (; i < count; ++i, to += odd == 0 ? 6 : 0) {
            to[odd] = taps == NULL || i < begin || i >= end ? conv->zero : taps[i];
            odd ^= 1;
        }
    }
}

/* `count` pixels of an output row, in column x and behind. `rows` are the input's rows under the kernel, NULL for one
 * of padding; what they point to is column `origin`. `work` takes the taps of three pixels. */
static TINYC_ROUTINE_ATTR void tinyc_dsp_wide_row(
    const struct tinyc_dsp_wide_conv *conv, const int16_t *const *rows, int32_t origin, int32_t x, int32_t count,
    int16_t *out, int16_t *work)
{
    const int32_t channels = conv->channels, even = channels & ~1;
    struct tinyc_dsp_wide tile = {
        out, out, 0, 0, conv->offset, conv->shift, work, work + 3 * conv->taps, tinyc_dsp_wide_skip(conv->taps)
    };

    for (int32_t first = x * conv->stride - conv->pad; count > 0; count -= 3, out += 3 * channels) {
        const int32_t second = count > 1, third = second + (count > 2); /* the last pixel takes the place of others */

        tinyc_dsp_wide_taps(conv, rows, first, origin, work);
        tinyc_dsp_wide_taps(conv, rows, first + second * conv->stride, origin, work + 2);
        tinyc_dsp_wide_taps(conv, rows, first + third * conv->stride, origin, work + 4);
        first += 3 * conv->stride;
        if (even > 0) {
            tile.out = out;
            tile.out_end = out + even;
            tile.step1 = 2 * second * channels;
            tile.step2 = 2 * third * channels;
            tinyc_dsp_wide_three(&tile, conv->weights);
        }
        if (even < channels) {
            int16_t last[6];

            tile.out = last;
            tile.out_end = last + 2;
            tile.step1 = 4;
            tile.step2 = 8;
            tinyc_dsp_wide_three(&tile, conv->weights + even / 2 * (4 + conv->taps / 2));
            out[even] = last[0];
            out[second * channels + even] = last[2];
            out[third * channels + even] = last[4];
        }
    }
}
