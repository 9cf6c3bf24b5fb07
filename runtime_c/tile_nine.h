/* Nine taps of a pixel, two channels at a time: a pointer to a tap is for both. */
#if defined(tinyc_tile_thumb)
#  define TINYC_TILE_TAP_FIRST(tap) \
    "ldr r3, [r0, #" tap "]\n" \
    "ldrsb r4, [r3, r1]\n" \
    "ldrsb r3, [r3, r2]\n" \
    "sxtb r7, r6\n" \
    "muls r4, r7, r4\n" \
    "add r8, r8, r4\n" \
    "lsls r7, r6, #16\n" \
    "asrs r7, r7, #24\n" \
    "muls r3, r7, r3\n" \
    "add r9, r9, r3\n"
#  define TINYC_TILE_TAP_SECOND(tap) \
    "ldr r3, [r0, #" tap "]\n" \
    "ldrsb r4, [r3, r1]\n" \
    "ldrsb r3, [r3, r2]\n" \
    "lsls r7, r6, #8\n" \
    "asrs r7, r7, #24\n" \
    "muls r4, r7, r4\n" \
    "add r8, r8, r4\n" \
    "asrs r6, r6, #24\n" \
    "muls r3, r6, r3\n" \
    "add r9, r9, r3\n"
#endif
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_tile_nine(const struct tinyc_tile_taps *pixel)
{
#if defined(tinyc_tile_thumb)
    register const struct tinyc_tile_taps *r0 __asm__("r0") = pixel;

    __asm__ volatile(
        ".syntax unified\n"
        "push {r4-r7, lr}\n"
        "mov r4, r8\n"
        "mov r5, r9\n"
        "mov r6, r10\n"
        "mov r7, r11\n"
        "push {r4-r7}\n"
        "ldr r4, [r0, #48]\n"
        "mov r11, r4\n"
        "ldr r4, [r0, #52]\n"
        "mov r12, r4\n"
        "ldr r4, [r0, #56]\n"
        "mov lr, r4\n"
        "ldr r4, [r0, #44]\n"
        "mov r10, r4\n"
        "ldr r5, [r0, #40]\n"
        "movs r1, #0\n"
        "1:\n"
        "mov r3, r10\n"
        "ldm r3!, {r4, r6}\n"
        "mov r10, r3\n"
        "mov r8, r4\n"
        "mov r9, r6\n"
        "adds r2, r1, #1\n"
        "ldm r5!, {r6}\n"
        TINYC_TILE_TAP_FIRST("0") TINYC_TILE_TAP_SECOND("4")
        "ldm r5!, {r6}\n"
        TINYC_TILE_TAP_FIRST("8") TINYC_TILE_TAP_SECOND("12")
        "ldm r5!, {r6}\n"
        TINYC_TILE_TAP_FIRST("16") TINYC_TILE_TAP_SECOND("20")
        "ldm r5!, {r6}\n"
        TINYC_TILE_TAP_FIRST("24") TINYC_TILE_TAP_SECOND("28")
        "ldm r5!, {r6}\n"
        TINYC_TILE_TAP_FIRST("32")
        "push {r5}\n"
        "ldr r7, [r0, #60]\n"
        "adds r7, r7, r1\n"
        "mov r4, r10\n"
        "ldm r4!, {r3}\n"
        "mov r10, r4\n"
        "lsrs r2, r3, #16\n"
        "uxth r3, r3\n"
        "mov r4, r8\n"
        TINYC_TILE_OUTPUT("[r7]")
        "mov r4, r10\n"
        "ldm r4!, {r3}\n"
        "mov r10, r4\n"
        "lsrs r2, r3, #16\n"
        "uxth r3, r3\n"
        "mov r4, r9\n"
        TINYC_TILE_OUTPUT("[r7, #1]")
        "pop {r5}\n"
        "ldr r3, [r0, #36]\n"
        "cmp r1, r3\n"
        "beq 9f\n"
        "adds r1, r1, #2\n"
        "cmp r1, r3\n"
        "ble 8f\n"
        "mov r1, r3\n"
        "8:\n"
        "b 1b\n"
        "9:\n"
        "pop {r4-r7}\n"
        "mov r8, r4\n"
        "mov r9, r5\n"
        "mov r10, r6\n"
        "mov r11, r7\n"
        "pop {r4-r7}\n"
        "pop {r1}\n"
        "mov lr, r1\n"
        : "+r"(r0) : : "r1", "r2", "r3", "r12", "cc", "memory");
#else
    tinyc_tile_taps_portable(pixel);
#endif
}
