/* Puts padding where a row of taps that is NULL would be, in columns that tinyc_dsp_columns made. */
static TINYC_ROUTINE_ATTR void tinyc_dsp_rows(
    uint32_t *columns, int32_t count, const int8_t *const *rows, uint32_t zeros)
{
    const uint32_t kept = (rows[0] == NULL ? 0u : 0xffffu) | (rows[1] == NULL ? 0u : 0xffff0000u);

    const uint32_t added = zeros & ~kept;
    uint32_t *end = columns + 6 * count;

    for (uint32_t *c = columns; kept != 0xffffffffu && c < end; c += 3) {
        c[0] = (c[0] & kept) | added;
        c[2] = (c[2] & kept) | added;
    }
    for (uint32_t *c = columns + 1; rows[2] == NULL && c < end; c += 3) {
        *c = zeros;
    }
}
