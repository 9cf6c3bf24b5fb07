/* A run-time index into an axis of length elements: negative ones count from the end, and none leaves the axis. */
static inline TINYC_HOT_ATTR int32_t tinyc_index(int64_t index, int32_t length)
{
    if (index < 0) {
        index += length;
    }
    return index < 0 ? 0 : index < length ? (int32_t)index : length - 1;
}
