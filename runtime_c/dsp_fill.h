/* As tinyc_dsp_spread, for elements that are all the same: `pair` has two of them. */
static inline void tinyc_dsp_fill(uint32_t *to, uint32_t pair, int32_t count, int32_t lanes)
{
    for (uint32_t *end = to + count / 2 * lanes; to < end; to += lanes) {
        *to = pair;
    }
}
