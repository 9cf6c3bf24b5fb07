/* Whether the assembly for Thumb is taken, which needs no more than a Cortex-M0 has, or the C beside it. */
#if defined(__GNUC__) && defined(__thumb__) && !defined(__ARM_BIG_ENDIAN)
#  define tinyc_tile_thumb
#endif
