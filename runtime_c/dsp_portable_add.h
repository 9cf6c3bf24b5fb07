/* What the micro-kernels that add packed elements compute, in C. */
static inline TINYC_HOT_ATTR void tinyc_dsp_portable_add(
    uint32_t *sums, const int8_t *row, const int32_t *way, int32_t rest, int32_t bits)
{
    const uint32_t raised = 1u << (bits - 1), mask = 2u * raised - 1u;
    const int32_t many = 8 / bits;

    for (int32_t first = 0; first < rest + 4; first += 4, sums += 2 * many) {
        const int8_t *four = row + (first > rest ? rest : first);

        for (int32_t at = way[0]; at < 0; at += way[1]) {
            for (int32_t i = 0; i < 4; ++i) {
                const uint32_t byte = (uint8_t)four[at + i];

                for (int32_t lane = 0; lane < many; ++lane) {
                    sums[2 * lane + i % 2] += ((byte >> (bits * lane) & mask) ^ raised) << (i < 2 ? 0 : 16);
                }
            }
        }
    }
}
