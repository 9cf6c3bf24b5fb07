/* Takes off the rows of padding at both ends, NULL; what lies between is `tile->rows`. Returns how many were before. */
static inline TINYC_HOT_ATTR int32_t tinyc_fma_rows(
    struct tinyc_fma_tile *tile, const float *const *rows, int32_t count)
{
    const float *const *end = rows + count;

    tile->rows = rows;
    while (tile->rows < end && *tile->rows == NULL) {
        ++tile->rows;
    }
    while (end > tile->rows && end[-1] == NULL) {
        --end;
    }
    tile->end = end;
    return (int32_t)(tile->rows - rows);
}
