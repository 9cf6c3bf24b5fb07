/* Whether the assembly of the micro-kernels for Helium is taken, or the C beside it. */
#if defined(__GNUC__) && defined(__ARM_FEATURE_MVE) && !defined(__ARM_BIG_ENDIAN)
#  if __ARM_FEATURE_MVE & 1
#    include <arm_mve.h>
#    define tinyc_mve_assembly
#  endif
#endif
