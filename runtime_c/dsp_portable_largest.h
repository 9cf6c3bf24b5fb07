/* What the micro-kernels for the largest of packed elements compute, in C. */
static inline TINYC_HOT_ATTR void tinyc_dsp_portable_largest(
    int8_t *best, const int8_t *row, const int32_t *way, int32_t rest, int first, int32_t bits)
{
    for (int32_t at = way[0]; at < 0; at += way[1]) {
        for (int32_t c = 0; c < rest + 4; ++c) {
            uint32_t made = 0;

            for (int32_t shift = 0; shift < 8; shift += bits) {
                const uint32_t kept = ((1u << bits) - 1u) << (8 - bits);
                const int8_t one = (int8_t)((uint32_t)row[at + c] << shift & kept);
                const int8_t other = (int8_t)((uint32_t)best[c] << shift & kept);
                const int8_t larger = (first && at == way[0]) || one > other ? one : other;

                made |= (uint32_t)(uint8_t)larger >> shift;
            }
            best[c] = (int8_t)made;
        }
    }
}
