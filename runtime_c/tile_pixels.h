/* A tile of which `used` pixels are there: one after the other where four at a time were more work. */
static inline TINYC_HOT_ATTR void tinyc_tile_pixels(struct tinyc_tile *tile, int32_t used)
{
    if (used > 2) {
        tinyc_tile_four(tile);
    } else {
        for (int32_t lane = 0; lane < used; ++lane) {
            tinyc_tile_one(tile, lane);
        }
    }
}
