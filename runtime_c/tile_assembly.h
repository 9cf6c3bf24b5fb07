/* Whether the assembly for RISC-V is taken, or the C beside it. */
#if defined(__GNUC__) && defined(__riscv) && __riscv_xlen == 32 && defined(__riscv_mul) && !defined(__riscv_32e)
#  define tinyc_tile_assembly
#endif
