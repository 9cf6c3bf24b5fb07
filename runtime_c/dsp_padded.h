/* Columns of tinyc_dsp_columns in which all is padding. */
static inline TINYC_HOT_ATTR void tinyc_dsp_padded(uint32_t *columns, int32_t count, uint32_t zeros)
{
    for (int32_t i = 0; i < 6 * count; ++i) {
        columns[i] = zeros;
    }
}
