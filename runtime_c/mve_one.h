/* One pixel, the first one: 64 products in 9 instructions. */
#if defined(tinyc_mve_assembly)
#  define TINYC_MVE_ONE(first) \
    "vldrb.u8 q1, [r3], #16\n" \
    "vldrb.u8 q2, [r3], #16\n" \
    "vmladav" first ".s8 r4, q0, q1\n" \
    "vldrb.u8 q1, [r3], #16\n" \
    "vmladav" first ".s8 r6, q0, q2\n" \
    "vldrb.u8 q2, [r3], #16\n" \
    "vmladav" first ".s8 r10, q0, q1\n" \
    "vmladav" first ".s8 r12, q0, q2\n"
#  define TINYC_MVE_ONE_MORE "vldrb.u8 q0, [r1], #16\n" TINYC_MVE_ONE("a")
#endif
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_mve_one(const struct tinyc_mve_tile *tile)
{
#if defined(tinyc_mve_assembly)
    register const struct tinyc_mve_tile *pixel __asm__("r0") = tile;

    __asm__ volatile(
        "push {r4-r11, lr}\n"
        "ldr r3, [r0, #48]\n"
        "ldm r0, {r0, r1, r2, r4, r5, r6, r7, r8, r9, r11}\n"
        "mov r5, r6\n"
        "vmsr p0, r0\n"
        "adr r0, 2f\n"
        "add r7, r7, r0\n"
        "1:\n"
        "vpst\n"
        "vldrbt.u8 q0, [r1], #16\n"
        TINYC_MVE_ONE("")
        "bx r7\n"
        ".balign 4\n"
        "2:\n"
        TINYC_MVE_ONE_MORE TINYC_MVE_ONE_MORE TINYC_MVE_ONE_MORE TINYC_MVE_ONE_MORE
        "cmp r1, r9\n"
        "bne 2b\n"
        "vmov q0[2], q0[0], r4, r10\n"
        "vldrw.u32 q1, [r3], #16\n"
        "vmov q0[3], q0[1], r6, r12\n"
        "vldrw.u32 q2, [r3], #16\n"
        "vadd.i32 q0, q0, q1\n"
        "vmulh.s32 q0, q0, q2\n"
        "vhadd.s32 q0, q0, r5\n"
        "vqmovnb.s32 q0, q0\n"
        "vqmovnb.s16 q0, q0\n"
        "subs r11, #4\n"
        "blt 3f\n"
        "vstrb.32 q0, [r2], #4\n"
        "sub r1, r1, r8\n"
        "bne 1b\n"
        "b 4f\n"
        "3:\n"
        "adds r11, #4\n"
        "vctp.32 r11\n"
        "vpst\n"
        "vstrbt.32 q0, [r2]\n"
        "4:\n"
        "pop {r4-r11, lr}\n"
        : "+r"(pixel) : : "r1", "r2", "r3", "r12", "lr", "q0", "q1", "q2", "cc", "memory");
#else
    tinyc_mve_portable(tile, tile->a, tile->out_a);
#endif
}
