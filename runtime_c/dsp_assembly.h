/* Whether the assembly of the micro-kernels is taken, or the C beside it. */
#if defined(__GNUC__) && defined(__thumb2__) && defined(__ARM_FEATURE_DSP) && !defined(__ARM_BIG_ENDIAN)
#  define tinyc_dsp_assembly
#endif
