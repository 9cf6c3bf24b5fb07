/* `count` pixels of an output row, in column x and behind. `rows` are the input's three rows under the kernel, NULL for
 * one of padding; what they point to is column `origin`. Of each channel the weights and the columns under an output
 * are held in registers, as far as there are any. */
#define TINYC_TILE_COLUMN(c) \
    do { \
        c##0 = c##1 = c##2 = zero; \
        if ((uint32_t)column < width) { \
            c##0 = top[at], c##1 = middle[at], c##2 = bottom[at]; \
        } \
        ++column, at += channels; \
    } while (0)
#define TINYC_TILE_FILTER(a, b, c) \
    do { \
        int32_t sum = bias; \
\
        sum += a##0 * w0 + b##0 * w1 + c##0 * w2; \
        sum += a##1 * w3 + b##1 * w4 + c##1 * w5; \
        sum += a##2 * w6 + b##2 * w7 + c##2 * w8; \
        sum = tinyc_requantize(sum, multiplier, offset, 1); \
        *to = (int8_t)tinyc_clamp(sum, low, high); \
        to += channels; \
    } while (0)
static TINYC_ROUTINE_ATTR void tinyc_tile_depthwise_row(
    const struct tinyc_tile_depthwise *conv, const int8_t *const *rows, int32_t origin, int32_t x, int32_t count,
    int8_t *out)
{
    const int32_t channels = conv->channels, first = x * conv->stride - conv->pad, zero = conv->zero;
    const int32_t offset = conv->offset, low = conv->low, high = conv->high;
    const int8_t *some = rows[0] != NULL ? rows[0] : rows[1] != NULL ? rows[1] : rows[2];
    const int8_t *top = rows[0] != NULL ? rows[0] : some, *middle = rows[1] != NULL ? rows[1] : some;
    const int8_t *bottom = rows[2] != NULL ? rows[2] : some;
    const uint32_t width = some != NULL ? (uint32_t)conv->width : 0u;

    for (int32_t channel = 0; channel < channels; ++channel) {
        const int32_t multiplier = conv->parameters[2 * channel + 1];
        int32_t bias = conv->parameters[2 * channel], column = first, at = (first - origin) * channels + channel;
        const int8_t *v = conv->weights + 9 * channel;
        int32_t a0, a1, a2, b0, b1, b2, c0, c1, c2;
        int32_t w0 = v[0], w1 = v[1], w2 = v[2], w3 = v[3], w4 = v[4], w5 = v[5], w6 = v[6], w7 = v[7], w8 = v[8];
        int8_t *to = out + channel;

        if (rows[0] == NULL) {
            bias += (w0 + w1 + w2) * zero;
            w0 = w1 = w2 = 0;
        }
        if (rows[1] == NULL) {
            bias += (w3 + w4 + w5) * zero;
            w3 = w4 = w5 = 0;
        }
        if (rows[2] == NULL) {
            bias += (w6 + w7 + w8) * zero;
            w6 = w7 = w8 = 0;
        }
        if (conv->stride == 1) {
            TINYC_TILE_COLUMN(a);
            TINYC_TILE_COLUMN(b);
            for (int32_t n = count;;) {
                TINYC_TILE_COLUMN(c);
                TINYC_TILE_FILTER(a, b, c);
                if (--n == 0) {
                    break;
                }
                TINYC_TILE_COLUMN(a);
                TINYC_TILE_FILTER(b, c, a);
                if (--n == 0) {
                    break;
                }
                TINYC_TILE_COLUMN(b);
                TINYC_TILE_FILTER(c, a, b);
                if (--n == 0) {
                    break;
                }
            }
        } else {
            for (int32_t n = count; n > 0; --n) {
                TINYC_TILE_COLUMN(a);
                TINYC_TILE_COLUMN(b);
                TINYC_TILE_COLUMN(c);
                TINYC_TILE_FILTER(a, b, c);
                column += conv->stride - 3;
                at += (conv->stride - 3) * channels;
            }
        }
    }
}
