/* As for two pixels, where one block holds a pixel's inputs and channels come in fours: the weights of four channels
 * stay in registers while all pairs of pixels go by. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_mve_short(const struct tinyc_mve_tile *tile)
{
#if defined(tinyc_mve_assembly)
    register const struct tinyc_mve_tile *pixels __asm__("r0") = tile;

    __asm__ volatile(
        "push {r0, r4-r11, lr}\n"
        "ldrd r1, r2, [r0, #36]\n"
        "ldr r12, [r0, #48]\n"
        "mov r9, r1\n"
        "ldr r3, [r0]\n"
        "vmsr p0, r3\n"
        "ldr r5, [r0, #44]\n"
        "asr r5, r5, #1\n"
        "push {r1, r12}\n"
        "1:\n"
        "pop {r2, r3}\n"
        "sub r7, r9, r2\n"
        "subs r2, #4\n"
        "blt 3f\n"
        "ldr r12, [sp]\n"
        "ldr r1, [r12, #4]\n"
        "ldr r6, [r12, #8]\n"
        "ldr r11, [r12, #40]\n"
        "add r7, r7, r6\n"
        "vldrb.u8 q4, [r3], #16\n"
        "vldrb.u8 q5, [r3], #16\n"
        "vldrb.u8 q6, [r3], #16\n"
        "vldrb.u8 q7, [r3], #16\n"
        "vldrw.u32 q2, [r3], #16\n"
        "vldrw.u32 q3, [r3], #16\n"
        "push {r2, r3}\n"
        "ldr r3, [r12, #20]\n"
        "2:\n"
        "add r0, r1, r5\n"
        "vpstt\n"
        "vldrbt.u8 q0, [r1]\n"
        "vldrbt.u8 q1, [r0]\n"
        "add r1, r0, r5\n"
        "vmladav.s8 r0, q0, q4\n"
        "vmladav.s8 r2, q0, q5\n"
        "vmladav.s8 r4, q0, q6\n"
        "vmladav.s8 r6, q0, q7\n"
        "vmladav.s8 r8, q1, q4\n"
        "vmladav.s8 r10, q1, q5\n"
        "vmladav.s8 r12, q1, q6\n"
        "vmladav.s8 lr, q1, q7\n"
        "vmov q0[2], q0[0], r0, r4\n"
        "vmov q0[3], q0[1], r2, r6\n"
        "vmov q1[2], q1[0], r8, r12\n"
        "vmov q1[3], q1[1], r10, lr\n"
        "vadd.i32 q0, q0, q2\n"
        "vadd.i32 q1, q1, q2\n"
        "vmulh.s32 q0, q0, q3\n"
        "vmulh.s32 q1, q1, q3\n"
        "vhadd.s32 q0, q0, r3\n"
        "vhadd.s32 q1, q1, r3\n"
        "vqmovnb.s32 q0, q0\n"
        "vqmovnb.s32 q1, q1\n"
        "vqmovnb.s16 q0, q0\n"
        "vqmovnb.s16 q1, q1\n"
        "add r0, r7, r9\n"
        "vstrb.32 q0, [r7]\n"
        "vstrb.32 q1, [r0]\n"
        "add r7, r0, r9\n"
        "subs r11, #1\n"
        "bne 2b\n"
        "b 1b\n"
        "3:\n"
        "pop {r0, r4-r11, lr}\n"
        : "+r"(pixels) : : "r1", "r2", "r3", "r12", "lr", "q0", "q1", "q2", "q3", "q4", "q5", "q6", "q7", "cc",
          "memory");
#else
    for (int32_t pixel = 0; pixel < tile->pairs; ++pixel) {
        tinyc_mve_portable(tile, tile->a + pixel * tile->step, tile->out_a + 2 * pixel * tile->channels);
        tinyc_mve_portable(tile, tile->b + pixel * tile->step, tile->out_b + 2 * pixel * tile->channels);
    }
#endif
}
