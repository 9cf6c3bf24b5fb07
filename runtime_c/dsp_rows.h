/* Puts padding where a row of taps that is NULL would be, in columns that tinyc_dsp_columns made. */
static inline void tinyc_dsp_rows(uint32_t *columns, int32_t count, const int8_t *const *rows, uint32_t zeros)
{
    const uint32_t kept = (rows[0] == NULL ? 0u : 0xffffu) | (rows[1] == NULL ? 0u : 0xffff0000u);

    for (uint32_t *end = columns + 6 * count; columns < end; columns += 3) {
        columns[0] = (columns[0] & kept) | (zeros & ~kept);
        columns[1] = rows[2] == NULL ? zeros : columns[1];
        columns[2] = (columns[2] & kept) | (zeros & ~kept);
    }
}
