/* Two taps of two pixels times two channels: 8 products in 21 instructions. Of two products together, 65536 d + c, the
 * whole is summed, and in another register d, which is the upper half, rounded; c's sum is what is left in the end. */
#if defined(tinyc_tile_thumb)
#  define TINYC_TILE_TWO \
    "ldm r0!, {r2, r3}\n" \
    "ldm r1!, {r4}\n" \
    "sxtb r5, r4\n" \
    "lsls r6, r4, #16\n" \
    "asrs r6, r6, #24\n" \
    "muls r5, r2, r5\n" \
    "muls r6, r3, r6\n" \
    "adds r5, r5, r6\n" \
    "add r8, r8, r5\n" \
    "asrs r5, r5, #16\n" \
    "adcs r7, r7, r5\n" \
    "lsls r5, r4, #8\n" \
    "asrs r5, r5, #24\n" \
    "asrs r4, r4, #24\n" \
    "muls r5, r2, r5\n" \
    "muls r4, r3, r4\n" \
    "adds r5, r5, r4\n" \
    "add r5, r5, r11\n" \
    "add r9, r9, r5\n" \
    "asrs r5, r5, #16\n" \
    "add r10, r10, r5\n"
#endif
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_tile_two(struct tinyc_tile_pair *pair)
{
#if defined(tinyc_tile_thumb)
    register struct tinyc_tile_pair *r0 __asm__("r0") = pair;

    __asm__ volatile(
        ".syntax unified\n"
        "push {r4-r7, lr}\n"
        "mov r4, r8\n"
        "mov r5, r9\n"
        "mov r6, r10\n"
        "mov r7, r11\n"
        "push {r0, r4-r7}\n"
        "1:\n"
        "ldr r3, [r0, #16]\n"
        "ldm r3!, {r4, r5}\n"
        "ldr r1, [r0, #12]\n"
        "ldr r2, [r0, #4]\n"
        "ldr r3, [r0, #8]\n"
        "ldr r0, [r0]\n"
        "mov r12, r2\n"
        "movs r7, r4\n"
        "lsls r6, r4, #16\n"
        "adds r6, r6, r4\n"
        "mov r8, r6\n"
        "mov r10, r5\n"
        "lsls r6, r5, #16\n"
        "adds r6, r6, r5\n"
        "subs r2, r2, r0\n"
        "lsls r2, r2, #12\n"
        "subs r6, r6, r2\n"
        "mov r9, r6\n"
        "movs r6, #1\n"
        "lsls r6, r6, #15\n"
        "mov r11, r6\n"
        "add r3, r3, pc\n"
        "mov pc, r3\n"
        "2:\n"
        TINYC_TILE_TWO TINYC_TILE_TWO TINYC_TILE_TWO TINYC_TILE_TWO
        "cmp r0, r12\n"
        "bne 2b\n"
        "ldr r0, [sp]\n"
        "str r1, [r0, #12]\n"
        "ldr r4, [r0, #20]\n"
        "mov r11, r4\n"
        "ldr r4, [r0, #24]\n"
        "mov r12, r4\n"
        "ldr r4, [r0, #28]\n"
        "mov lr, r4\n"
        "ldr r3, [r0, #16]\n"
        "ldr r3, [r3, #8]\n"
        "ldr r1, [r0, #36]\n"
        "ldr r0, [r0, #32]\n"
        "lsrs r2, r3, #16\n"
        "uxth r3, r3\n"
        "mov r4, r8\n"
        "lsls r5, r7, #16\n"
        "subs r4, r4, r5\n"
        TINYC_TILE_OUTPUT("[r0]")
        "movs r4, r7\n"
        TINYC_TILE_OUTPUT("[r1]")
        "ldr r2, [sp]\n"
        "ldr r3, [r2, #16]\n"
        "ldr r3, [r3, #12]\n"
        "lsrs r2, r3, #16\n"
        "uxth r3, r3\n"
        "mov r4, r9\n"
        "mov r5, r10\n"
        "lsls r5, r5, #16\n"
        "subs r4, r4, r5\n"
        TINYC_TILE_OUTPUT("[r0, #1]")
        "mov r4, r10\n"
        TINYC_TILE_OUTPUT("[r1, #1]")
        "ldr r2, [sp]\n"
        "ldr r3, [r2, #40]\n"
        "cmp r3, #0\n"
        "beq 9f\n"
        "movs r4, #2\n"
        "cmp r3, #2\n"
        "bge 8f\n"
        "movs r4, r3\n"
        "8:\n"
        "subs r3, r3, r4\n"
        "str r3, [r2, #40]\n"
        "adds r0, r0, r4\n"
        "adds r1, r1, r4\n"
        "str r0, [r2, #32]\n"
        "str r1, [r2, #36]\n"
        "ldr r3, [r2, #16]\n"
        "adds r3, r3, #16\n"
        "str r3, [r2, #16]\n"
        "mov r0, r2\n"
        "b 1b\n"
        "9:\n"
        "pop {r0, r4-r7}\n"
        "mov r8, r4\n"
        "mov r9, r5\n"
        "mov r10, r6\n"
        "mov r11, r7\n"
        "pop {r4-r7}\n"
        "pop {r1}\n"
        "mov lr, r1\n"
        : "+r"(r0) : : "r1", "r2", "r3", "r12", "cc", "memory");
#else
    tinyc_tile_pair_portable(pair);
#endif
}
