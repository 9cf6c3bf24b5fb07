/* The columns of taps that lie inside the input for pixel x, from the first to the one behind the last, and of how many
 * of `count` pixels, as far as there are micro-kernels, these are the same: one where some are outside. */
struct tinyc_fma_span {
    int32_t first, begin, end, pixels;
};

static inline TINYC_HOT_ATTR struct tinyc_fma_span tinyc_fma_inside(
    const struct tinyc_fma_conv *conv, int32_t x, int32_t count)
{
    const int32_t last = conv->width - (conv->columns - 1) * conv->dilation - 1; /* for a first tap */
    struct tinyc_fma_span span = {
        x * conv->stride - conv->pad, 0, conv->columns, count < conv->most ? count : conv->most
    };

    if (span.first < 0 || span.first > last) {
        span.pixels = 1;
        while (span.begin < span.end && span.first + span.begin * conv->dilation < 0) {
            ++span.begin;
        }
        while (span.end > span.begin && span.first + (span.end - 1) * conv->dilation >= conv->width) {
            --span.end;
        }
    }
    while (span.pixels > 1 && span.first + (span.pixels - 1) * conv->stride > last) {
        --span.pixels;
    }
    return span;
}
