/* Adds to four sums the products of a multiple of four inputs, those from x on, and their weights w, four of each. */
#if defined(tinyc_tile_thumb)
#  define TINYC_TILE_INPUTS \
    "ldm r1!, {r3, r4}\n" \
    "ldrsb r2, [r0, r6]\n" \
    "sxtb r5, r3\n" \
    "muls r5, r2, r5\n" \
    "add r8, r8, r5\n" \
    "lsls r5, r3, #16\n" \
    "asrs r5, r5, #24\n" \
    "muls r5, r2, r5\n" \
    "add r9, r9, r5\n" \
    "lsls r5, r3, #8\n" \
    "asrs r5, r5, #24\n" \
    "muls r5, r2, r5\n" \
    "add r10, r10, r5\n" \
    "asrs r3, r3, #24\n" \
    "muls r3, r2, r3\n" \
    "add r11, r11, r3\n" \
    "ldrsb r2, [r0, r7]\n" \
    "sxtb r5, r4\n" \
    "muls r5, r2, r5\n" \
    "add r8, r8, r5\n" \
    "lsls r5, r4, #16\n" \
    "asrs r5, r5, #24\n" \
    "muls r5, r2, r5\n" \
    "add r9, r9, r5\n" \
    "lsls r5, r4, #8\n" \
    "asrs r5, r5, #24\n" \
    "muls r5, r2, r5\n" \
    "add r10, r10, r5\n" \
    "asrs r4, r4, #24\n" \
    "muls r4, r2, r4\n" \
    "add r11, r11, r4\n" \
    "adds r0, #2\n"
#else
#  define TINYC_TILE_INPUT(i) \
    do { \
        first += x[i] * w[4 * (i)]; \
        second += x[i] * w[4 * (i) + 1]; \
        third += x[i] * w[4 * (i) + 2]; \
        fourth += x[i] * w[4 * (i) + 3]; \
    } while (0)
#endif
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_tile_fours(
    const int8_t *x, const int8_t *w, const int8_t *end, int32_t *sums)
{
#if defined(tinyc_tile_thumb)
    register const int8_t *r0 __asm__("r0") = x;
    register const int8_t *r1 __asm__("r1") = w;
    register const int8_t *r2 __asm__("r2") = end;
    register int32_t *r3 __asm__("r3") = sums;

    __asm__ volatile(
        ".syntax unified\n"
        "push {r3-r7, lr}\n"
        "mov r4, r8\n"
        "mov r5, r9\n"
        "mov r6, r10\n"
        "mov r7, r11\n"
        "push {r4-r7}\n"
        "ldm r3!, {r4-r7}\n"
        "mov r8, r4\n"
        "mov r9, r5\n"
        "mov r10, r6\n"
        "mov r11, r7\n"
        "mov r12, r2\n"
        "movs r6, #0\n"
        "movs r7, #1\n"
        "b 2f\n"
        "1:\n"
        TINYC_TILE_INPUTS TINYC_TILE_INPUTS
        "2:\n"
        "cmp r0, r12\n"
        "bne 1b\n"
        "mov r4, r8\n"
        "mov r5, r9\n"
        "mov r6, r10\n"
        "mov r7, r11\n"
        "ldr r3, [sp, #16]\n"
        "stm r3!, {r4-r7}\n"
        "pop {r4-r7}\n"
        "mov r8, r4\n"
        "mov r9, r5\n"
        "mov r10, r6\n"
        "mov r11, r7\n"
        "pop {r3-r7}\n"
        "pop {r2}\n"
        "mov lr, r2\n"
        : "+r"(r0), "+r"(r1), "+r"(r2), "+r"(r3) : : "r12", "cc", "memory");
#else
    int32_t first = sums[0], second = sums[1], third = sums[2], fourth = sums[3];

    for (; x < end; x += 4, w += 16) {
        TINYC_TILE_INPUT(0);
        TINYC_TILE_INPUT(1);
        TINYC_TILE_INPUT(2);
        TINYC_TILE_INPUT(3);
    }
    sums[0] = first;
    sums[1] = second;
    sums[2] = third;
    sums[3] = fourth;
#endif
}
