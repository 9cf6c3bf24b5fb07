/* Depthwise convolution with nine taps: 16 channels in 113 instructions. Two products fit in 16 bits, their sum is
 * added to one of 32. */
#if defined(tinyc_mve_assembly)
#  define TINYC_MVE_WIDEN \
    "vmovlb.s16 q2, q0\n" \
    "vmovlt.s16 q0, q0\n" \
    "vadd.i32 q4, q4, q2\n" \
    "vadd.i32 q5, q5, q0\n" \
    "vmovlb.s16 q2, q1\n" \
    "vmovlt.s16 q1, q1\n" \
    "vadd.i32 q6, q6, q2\n" \
    "vadd.i32 q7, q7, q1\n"
#  define TINYC_MVE_TAP(tap) \
    "vldrb.u8 q2, [" tap "], #16\n" \
    "vldrb.u8 q3, [r9], #16\n" \
    "vmullb.s8 q0, q2, q3\n" \
    "vmullt.s8 q1, q2, q3\n"
#  define TINYC_MVE_PAIR(first, second) \
    TINYC_MVE_TAP(first) \
    "vldrb.u8 q2, [" second "]\n" \
    "vldrb.u8 q3, [r9], #16\n" \
    "vmullb.s8 q2, q2, q3\n" \
    "vadd.i16 q0, q0, q2\n" \
    "vldrb.u8 q2, [" second "], #16\n" \
    "vmullt.s8 q2, q2, q3\n" \
    "vadd.i16 q1, q1, q2\n" \
    TINYC_MVE_WIDEN
#endif
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_mve_nine(const struct tinyc_mve_run *run)
{
#if defined(tinyc_mve_assembly)
    register const struct tinyc_mve_run *r0 __asm__("r0") = run;

    __asm__ volatile(
        "push {r0, r4-r11, lr}\n"
        "ldm r0, {r0-r12, lr}\n"
        "1:\n"
        TINYC_MVE_TAP("r0")
        "vldrb.u8 q2, [r1], #16\n"
        "vldrb.u8 q3, [r9], #16\n"
        "vmullb.s8 q4, q2, q3\n"
        "vmullt.s8 q2, q2, q3\n"
        "vadd.i16 q0, q0, q4\n"
        "vadd.i16 q1, q1, q2\n"
        "vmovlb.s16 q4, q0\n"
        "vmovlt.s16 q5, q0\n"
        "vmovlb.s16 q6, q1\n"
        "vmovlt.s16 q7, q1\n"
        TINYC_MVE_PAIR("r2", "r3") TINYC_MVE_PAIR("r4", "r5") TINYC_MVE_PAIR("r6", "r7")
        TINYC_MVE_TAP("r8") TINYC_MVE_WIDEN
        "vldrw.u32 q0, [r9], #16\n"
        "vldrw.u32 q1, [r9], #16\n"
        "vadd.i32 q4, q4, q0\n"
        "vldrw.u32 q2, [r9], #16\n"
        "vadd.i32 q5, q5, q1\n"
        "vldrw.u32 q3, [r9], #16\n"
        "vadd.i32 q6, q6, q2\n"
        "vldrw.u32 q0, [r9], #16\n"
        "vadd.i32 q7, q7, q3\n"
        "vldrw.u32 q1, [r9], #16\n"
        "vmulh.s32 q4, q4, q0\n"
        "vldrw.u32 q2, [r9], #16\n"
        "vmulh.s32 q5, q5, q1\n"
        "vldrw.u32 q3, [r9], #16\n"
        "vmulh.s32 q6, q6, q2\n"
        "vmulh.s32 q7, q7, q3\n"
        "vhadd.s32 q4, q4, r12\n"
        "vhadd.s32 q5, q5, r12\n"
        "vhadd.s32 q6, q6, r12\n"
        "vhadd.s32 q7, q7, r12\n"
        "vqmovnb.s32 q4, q4\n"
        "vqmovnb.s32 q6, q6\n"
        "vqmovnt.s32 q4, q5\n"
        "vqmovnt.s32 q6, q7\n"
        "vqmovnb.s16 q4, q4\n"
        "vqmovnt.s16 q4, q6\n"
        "subs r11, #16\n"
        "vstrb.8 q4, [r10], #16\n"
        "bge 1b\n"
        "cmn r11, #16\n"
        "beq 2f\n"
        "add r0, r0, r11\n"
        "add r1, r1, r11\n"
        "add r2, r2, r11\n"
        "add r3, r3, r11\n"
        "add r4, r4, r11\n"
        "add r5, r5, r11\n"
        "add r6, r6, r11\n"
        "add r7, r7, r11\n"
        "add r8, r8, r11\n"
        "add r10, r10, r11\n"
        "movs r11, #0\n"
        "b 1b\n"
        "2:\n"
        "subs lr, #1\n"
        "beq 3f\n"
        "ldr r12, [sp]\n"
        "ldrd r9, r11, [r12, #56]\n"
        "add r0, r0, r9\n"
        "add r1, r1, r9\n"
        "add r2, r2, r9\n"
        "ldr r9, [r12, #64]\n"
        "add r3, r3, r11\n"
        "add r4, r4, r11\n"
        "add r5, r5, r11\n"
        "add r6, r6, r9\n"
        "add r7, r7, r9\n"
        "add r8, r8, r9\n"
        "ldr r9, [r12, #36]\n"
        "ldrd r11, r12, [r12, #44]\n"
        "b 1b\n"
        "3:\n"
        "pop {r0, r4-r11, lr}\n"
        : "+r"(r0) : : "r1", "r2", "r3", "r12", "lr", "q0", "q1", "q2", "q3", "q4", "q5", "q6", "q7", "cc", "memory");
#else
    const int8_t *taps[9];
    const int32_t channels = run->last + 16;

    for (int32_t k = 0; k < 9; ++k) {
        taps[k] = run->taps[k];
    }
    for (int32_t pixel = 0; pixel < run->pixels; ++pixel) {
        for (int32_t c = 0; c < channels; ++c) {
            const int32_t block = c / 16, lane = channels - 16 * block < 16 ? c - run->last : c % 16;

            run->out[pixel * channels + c] =
                tinyc_mve_weighted(taps, 9, c, run->weights + block * 68, lane, run->offset);
        }
        for (int32_t k = 0; k < 9; ++k) {
            taps[k] += channels + run->steps[k / 3];
        }
    }
#endif
}
