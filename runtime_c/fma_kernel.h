/* A micro-kernel for some pixels. */
typedef void (*tinyc_fma_kernel)(struct tinyc_fma_tile *);
