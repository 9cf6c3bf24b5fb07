/* out = (a * first + b * second + offset) >> shift for `count` elements, saturated; `out` may be `a` or `b`. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_mve_add(
    const struct tinyc_mve_sum *sum, const int8_t *a, const int8_t *b, int8_t *out, int32_t count)
{
#if defined(tinyc_mve_assembly)
    __asm__ volatile(
        "vdup.32 q2, %[first]\n"
        "wlstp.32 lr, %[count], 2f\n"
        "1:\n"
        "vldrb.s32 q0, [%[a]], #4\n"
        "vldrb.s32 q1, [%[b]], #4\n"
        "vmlas.s32 q0, q2, %[offset]\n"
        "vmla.s32 q0, q1, %[second]\n"
        "vshl.s32 q0, %[shift]\n"
        "vqmovnb.s32 q0, q0\n"
        "vqmovnb.s16 q0, q0\n"
        "vstrb.32 q0, [%[out]], #4\n"
        "letp lr, 1b\n"
        "2:\n"
        : [a] "+r"(a), [b] "+r"(b), [out] "+r"(out)
        : [count] "r"(count), [first] "r"(sum->first), [second] "r"(sum->second), [offset] "r"(sum->offset),
          [shift] "r"(-sum->shift)
        : "lr", "q0", "q1", "q2", "memory");
#else
    for (int32_t i = 0; i < count; ++i) {
        const int32_t total = a[i] * sum->first + b[i] * sum->second + sum->offset;

        out[i] = (int8_t)tinyc_clamp(total >> sum->shift, -128, 127);
    }
#endif
}
