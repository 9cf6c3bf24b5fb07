/* Whether the assembly of the micro-kernels is taken, or the C beside it. Sums are in s0 to s15, four channels of a
 * pixel side by side; their weights from s16 on. */
#if defined(__GNUC__) && defined(__thumb2__) && defined(__ARM_FEATURE_FMA) && !defined(__ARM_BIG_ENDIAN)
#  define tinyc_fma_assembly

/* An input times the weights of four channels: by VFMA, or by a multiplication and an addition apart, which together
 * are faster than it on some cores. */
#  define TINYC_FMA_FUSED(a, b, c, d, w, x, y, z, in) \
    "vfma.f32 s" #a ", s" #w ", s" #in "\n" \
    "vfma.f32 s" #b ", s" #x ", s" #in "\n" \
    "vfma.f32 s" #c ", s" #y ", s" #in "\n" \
    "vfma.f32 s" #d ", s" #z ", s" #in "\n"
#  define TINYC_FMA_APART(a, b, c, d, w, x, y, z, in) \
    "vmul.f32 s20, s" #w ", s" #in "\n" \
    "vmul.f32 s21, s" #x ", s" #in "\n" \
    "vmul.f32 s22, s" #y ", s" #in "\n" \
    "vmul.f32 s23, s" #z ", s" #in "\n" \
    "vadd.f32 s" #a ", s" #a ", s20\n" \
    "vadd.f32 s" #b ", s" #b ", s21\n" \
    "vadd.f32 s" #c ", s" #c ", s22\n" \
    "vadd.f32 s" #d ", s" #d ", s23\n"

/* Four channels, each with an input and a weight of its own. */
#  define TINYC_FMA_EACH_FUSED(a, b, c, d, e, f, g, h) \
    "vfma.f32 s" #a ", s16, s" #e "\n" \
    "vfma.f32 s" #b ", s17, s" #f "\n" \
    "vfma.f32 s" #c ", s18, s" #g "\n" \
    "vfma.f32 s" #d ", s19, s" #h "\n"
#  define TINYC_FMA_EACH_APART(a, b, c, d, e, f, g, h) \
    "vmul.f32 s" #e ", s16, s" #e "\n" \
    "vmul.f32 s" #f ", s17, s" #f "\n" \
    "vmul.f32 s" #g ", s18, s" #g "\n" \
    "vmul.f32 s" #h ", s19, s" #h "\n" \
    "vadd.f32 s" #a ", s" #a ", s" #e "\n" \
    "vadd.f32 s" #b ", s" #b ", s" #f "\n" \
    "vadd.f32 s" #c ", s" #c ", s" #g "\n" \
    "vadd.f32 s" #d ", s" #d ", s" #h "\n"

/* Four channels of one pixel, each times one of four weights. */
#  define TINYC_FMA_COLUMN_FUSED(a, b, c, d, w, x, y, z) \
    "vfma.f32 s" #a ", s" #w ", s28\n" \
    "vfma.f32 s" #b ", s" #x ", s29\n" \
    "vfma.f32 s" #c ", s" #y ", s30\n" \
    "vfma.f32 s" #d ", s" #z ", s31\n"
#  define TINYC_FMA_COLUMN_APART(a, b, c, d, w, x, y, z) \
    "vmul.f32 s12, s" #w ", s28\n" \
    "vmul.f32 s13, s" #x ", s29\n" \
    "vmul.f32 s14, s" #y ", s30\n" \
    "vmul.f32 s15, s" #z ", s31\n" \
    "vadd.f32 s" #a ", s" #a ", s12\n" \
    "vadd.f32 s" #b ", s" #b ", s13\n" \
    "vadd.f32 s" #c ", s" #c ", s14\n" \
    "vadd.f32 s" #d ", s" #d ", s15\n"

/* Begins with the first four channels, and again with the next ones: r1 weights, r8 rows, r9 way, r10 step, r12 taps,
 * lr skip. `first` is done once. */
#  define TINYC_FMA_BEGIN(first, biases) \
    "ldm r0, {r1, r9, r10, r12, lr}\n" \
    first \
    "1:\n" \
    "ldrd r6, r8, [r0, #20]\n" \
    biases \
    "vldmia r6!, {s0-s3}\n" \
    "str r6, [r0, #20]\n" \
    "b 6f\n" \
    "2:\n" \
    "ldr r2, [r8], #4\n" \
    "add r2, r2, r9\n"

/* Ends a row of taps, and behind the last one the four channels. */
#  define TINYC_FMA_END(others, stores) \
    "add r1, r1, lr\n" \
    "6:\n" \
    "ldr r6, [r0, #28]\n" \
    "cmp r8, r6\n" \
    "bne 2b\n" \
    "ldrd r2, r3, [r0, #32]\n" \
    "ldrd r4, r6, [r0, #40]\n" \
    "add r1, r1, r4\n" \
    "add r4, r2, #16\n" \
    "str r4, [r0, #32]\n" \
    others \
    "vstmia r2, {s0-s3}\n" \
    stores \
    "cmp r4, r6\n" \
    "bne 1b\n" \
    "str r1, [r0]\n"

#  define TINYC_FMA_USED "r1", "r2", "r3", "r4", "r5", "r6", "r8", "r9", "r10", "r12", "lr", "cc", "memory", \
    "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "s12", "s13", "s14", "s15", \
    "s16", "s17", "s18", "s19", "s20", "s21", "s22", "s23", "s24", "s25", "s26", "s27", "s28", "s29", "s30", "s31"
#endif
