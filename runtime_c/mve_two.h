/* Two pixels and four channels: 128 products in 14 instructions. Further pairs of pixels follow. */
#if defined(tinyc_mve_assembly)
#  define TINYC_MVE_TWO(first) \
    "vldrb.u8 q2, [r3], #16\n" \
    "vldrb.u8 q3, [r3], #16\n" \
    "vmladav" first ".s8 r0, q0, q2\n" \
    "vmladav" first ".s8 r8, q1, q2\n" \
    "vldrb.u8 q2, [r3], #16\n" \
    "vmladav" first ".s8 r2, q0, q3\n" \
    "vmladav" first ".s8 r10, q1, q3\n" \
    "vldrb.u8 q3, [r3], #16\n" \
    "vmladav" first ".s8 r4, q0, q2\n" \
    "vmladav" first ".s8 r12, q1, q2\n" \
    "vmladav" first ".s8 r6, q0, q3\n" \
    "vmladav" first ".s8 lr, q1, q3\n"
#  define TINYC_MVE_TWO_MORE "vldrb.u8 q0, [r1], #16\nvldrb.u8 q1, [r5], #16\n" TINYC_MVE_TWO("a")
#endif
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_mve_two(struct tinyc_mve_tile *tile)
{
#if defined(tinyc_mve_assembly)
    register struct tinyc_mve_tile *pixels __asm__("r0") = tile;

    __asm__ volatile(
        "push {r0, r4-r11, lr}\n"
        "ldr r3, [r0, #48]\n"
        "ldm r0, {r0, r1, r2, r4, r5, r6, r7, r8, r9, r11}\n"
        "push {r2, r4, r6, r8}\n"
        "vmsr p0, r0\n"
        "adr r0, 2f\n"
        "add r7, r7, r0\n"
        "1:\n"
        "vpstt\n"
        "vldrbt.u8 q0, [r1], #16\n"
        "vldrbt.u8 q1, [r5], #16\n"
        TINYC_MVE_TWO("")
        "bx r7\n"
        ".balign 4\n"
        "2:\n"
        TINYC_MVE_TWO_MORE TINYC_MVE_TWO_MORE TINYC_MVE_TWO_MORE TINYC_MVE_TWO_MORE
        "cmp r1, r9\n"
        "bne 2b\n"
        "vmov q0[2], q0[0], r0, r4\n"
        "vmov q1[2], q1[0], r8, r12\n"
        "vldrw.u32 q2, [r3], #16\n"
        "vmov q0[3], q0[1], r2, r6\n"
        "vmov q1[3], q1[1], r10, lr\n"
        "vldrw.u32 q3, [r3], #16\n"
        "ldm sp, {r0, r2, r4, r6}\n"
        "vadd.i32 q0, q0, q2\n"
        "vadd.i32 q1, q1, q2\n"
        "vmulh.s32 q0, q0, q3\n"
        "vmulh.s32 q1, q1, q3\n"
        "vhadd.s32 q0, q0, r4\n"
        "vhadd.s32 q1, q1, r4\n"
        "vqmovnb.s32 q0, q0\n"
        "vqmovnb.s32 q1, q1\n"
        "vqmovnb.s16 q0, q0\n"
        "vqmovnb.s16 q1, q1\n"
        "sub r1, r1, r6\n"
        "sub r5, r5, r6\n"
        "subs r11, #4\n"
        "blt 3f\n"
        "vstrb.32 q0, [r0], #4\n"
        "vstrb.32 q1, [r2], #4\n"
        "strd r0, r2, [sp]\n"
        "bne 1b\n"
        "b 4f\n"
        "3:\n"
        "adds r11, #4\n"
        "vctp.32 r11\n"
        "vpstt\n"
        "vstrbt.32 q0, [r0]\n"
        "vstrbt.32 q1, [r2]\n"
        "add r2, r2, r11\n"
        "4:\n"
        "ldr r4, [sp, #16]\n"
        "ldrd r8, r10, [r4, #40]\n"
        "subs r8, #1\n"
        "beq 5f\n"
        "str r8, [r4, #40]\n"
        "ldr r0, [r4]\n"
        "ldr r11, [r4, #36]\n"
        "ldr r3, [r4, #48]\n"
        "vmsr p0, r0\n"
        "add r1, r1, r10\n"
        "add r5, r5, r10\n"
        "add r9, r9, r10\n"
        "add r12, r2, r11\n"
        "strd r2, r12, [sp]\n"
        "b 1b\n"
        "5:\n"
        "add sp, #16\n"
        "pop {r0, r4-r11, lr}\n"
        : "+r"(pixels) : : "r1", "r2", "r3", "r12", "lr", "q0", "q1", "q2", "q3", "cc", "memory");
#else
    for (; tile->pairs > 0; --tile->pairs) {
        tinyc_mve_portable(tile, tile->a, tile->out_a);
        tinyc_mve_portable(tile, tile->b, tile->out_b);
        tile->a += tile->step;
        tile->b += tile->step;
        tile->out_a += 2 * tile->channels;
        tile->out_b += 2 * tile->channels;
    }
#endif
}
