/* `count` pixels of an output row, in column x and behind. `rows` are the input's rows under the kernel, NULL for one
 * of padding; what they point to is column `origin`. `words` takes the taps of two pixels, in an even number. */
static TINYC_ROUTINE_ATTR void tinyc_tile_pairs_row(
    const struct tinyc_tile_conv *conv, const int8_t *const *rows, int32_t origin, int32_t x, int32_t count,
    int8_t *out, uint32_t *words)
{
    const int32_t taps = conv->rows * conv->columns * conv->depth, even = taps + (taps & 1), channels = conv->channels;

    words[even - 1] = 0u; /* its weights are 0 where it is more than the taps */
    for (; count > 0; count -= 2, x += 2, out += 2 * channels) {
        const int32_t first = x * conv->stride - conv->pad, second = count > 1 ? first + conv->stride : first;
        const int whole = first >= 0 && second + conv->columns <= conv->width;
        struct tinyc_tile_pair pair = {
            words, words + even, (uint32_t)(-(even / 2) & 3) * 42u, conv->weights, conv->parameters,
            conv->offset, conv->low, conv->high, { out, count > 1 ? out + channels : out }, channels - 2
        };
        uint32_t *to = words;

        for (int32_t ky = 0; ky < conv->rows; ++ky) {
            const int32_t wide = whole && rows[ky] != NULL ? conv->columns : 1, length = wide * conv->depth;

            for (int32_t kx = 0; kx < conv->columns; kx += wide, to += length) {
                const int8_t *one = tinyc_tile_span(conv, rows[ky], first + kx, origin);

                tinyc_tile_words(to, one, tinyc_tile_span(conv, rows[ky], second + kx, origin), length);
            }
        }
        tinyc_tile_two(&pair);
    }
}
