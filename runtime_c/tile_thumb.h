/* Whether the assembly for Thumb is taken, which needs no more than a Cortex-M0 has, or the C beside it. */
#if defined(__GNUC__) && defined(__thumb__) && !defined(__ARM_BIG_ENDIAN)
#  define tinyc_tile_thumb
/* The sum in r4 requantized, by the multiplier's halves r2 and r3, with the offset r11, and the bounds r12 and lr. The
 * upper half of a product of 64 bits is made of products of 16 bits. */
#  define TINYC_TILE_OUTPUT(to) \
    "sxth r5, r4\n" \
    "subs r4, r4, r5\n" \
    "asrs r4, r4, #16\n" \
    "mov r6, r5\n" \
    "muls r6, r3, r6\n" \
    "asrs r6, r6, #16\n" \
    "muls r5, r2, r5\n" \
    "adds r5, r5, r6\n" \
    "mov r6, r4\n" \
    "muls r6, r3, r6\n" \
    "adds r5, r5, r6\n" \
    "asrs r5, r5, #16\n" \
    "muls r4, r2, r4\n" \
    "adds r4, r4, r5\n" \
    "add r4, r4, r11\n" \
    "asrs r4, r4, #1\n" \
    "cmp r4, r12\n" \
    "bge 7f\n" \
    "mov r4, r12\n" \
    "7:\n" \
    "cmp r4, lr\n" \
    "ble 7f\n" \
    "mov r4, lr\n" \
    "7:\n" \
    "strb r4, " to "\n"
#endif
