/* Four pixels times four channels: 16 products of one tap of each in 40 instructions, the floor of a core that has no
 * instruction for both product and sum; eight loads are the rest. */
#if defined(tinyc_tile_assembly)
#  define TINYC_TILE_TAP(i, w) \
    "lb t6, " #i "(a0)\n" \
    "lb t2, " #w "(t0)\n" \
    "lb t3, " #w "+1(t0)\n" \
    "lb t4, " #w "+2(t0)\n" \
    "lb t5, " #w "+3(t0)\n" \
    "mul ra, t6, t2\n" \
    "add s0, s0, ra\n" \
    "mul ra, t6, t3\n" \
    "add s1, s1, ra\n" \
    "mul ra, t6, t4\n" \
    "add s2, s2, ra\n" \
    "mul t6, t6, t5\n" \
    "lb ra, " #i "(a1)\n" \
    "add s3, s3, t6\n" \
    "mul t6, ra, t2\n" \
    "add s4, s4, t6\n" \
    "mul t6, ra, t3\n" \
    "add s5, s5, t6\n" \
    "mul t6, ra, t4\n" \
    "add s6, s6, t6\n" \
    "mul ra, ra, t5\n" \
    "lb t6, " #i "(a2)\n" \
    "add s7, s7, ra\n" \
    "mul ra, t6, t2\n" \
    "add s8, s8, ra\n" \
    "mul ra, t6, t3\n" \
    "add s9, s9, ra\n" \
    "mul ra, t6, t4\n" \
    "add s10, s10, ra\n" \
    "mul t6, t6, t5\n" \
    "lb ra, " #i "(a3)\n" \
    "add s11, s11, t6\n" \
    "mul t6, ra, t2\n" \
    "add a4, a4, t6\n" \
    "mul t6, ra, t3\n" \
    "add a5, a5, t6\n" \
    "mul t6, ra, t4\n" \
    "add a6, a6, t6\n" \
    "mul ra, ra, t5\n" \
    "add a7, a7, ra\n"
#  define TINYC_TILE_OUTPUT(sum, to) \
    "mulh " sum ", " sum ", t6\n" \
    "add " sum ", " sum ", t3\n" \
    "srai " sum ", " sum ", 1\n" \
    "bge " sum ", t4, 7f\n" \
    "mv " sum ", t4\n" \
    "7:\n" \
    "bge t5, " sum ", 7f\n" \
    "mv " sum ", t5\n" \
    "7:\n" \
    "sb " sum ", " to "\n"
#endif
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_tile_four(struct tinyc_tile *tile)
{
#if defined(tinyc_tile_assembly)
    register struct tinyc_tile *a0 __asm__("a0") = tile;

    __asm__ volatile(
        "addi sp, sp, -64\n"
        "sw ra, 0(sp)\n"
        "sw s0, 4(sp)\n"
        "sw s1, 8(sp)\n"
        "sw s2, 12(sp)\n"
        "sw s3, 16(sp)\n"
        "sw s4, 20(sp)\n"
        "sw s5, 24(sp)\n"
        "sw s6, 28(sp)\n"
        "sw s7, 32(sp)\n"
        "sw s8, 36(sp)\n"
        "sw s9, 40(sp)\n"
        "sw s10, 44(sp)\n"
        "sw s11, 48(sp)\n"
        "sw a0, 52(sp)\n"
        "lw t0, 12(a0)\n"
        "1:\n"
        "lw t1, 52(sp)\n"
        "lw t2, 16(t1)\n"
        "lw s0, 0(t2)\n"
        "lw s1, 4(t2)\n"
        "lw s2, 8(t2)\n"
        "lw s3, 12(t2)\n"
        "mv s4, s0\n"
        "mv s5, s1\n"
        "mv s6, s2\n"
        "mv s7, s3\n"
        "mv s8, s0\n"
        "mv s9, s1\n"
        "mv s10, s2\n"
        "mv s11, s3\n"
        "mv a4, s0\n"
        "mv a5, s1\n"
        "mv a6, s2\n"
        "mv a7, s3\n"
        "lw t2, 0(t1)\n"
        "2:\n"
        "lw t3, 8(t1)\n"
        "lw a0, 0(t2)\n"
        "lw a1, 4(t2)\n"
        "lw a2, 8(t2)\n"
        "lw a3, 12(t2)\n"
        "addi t2, t2, 16\n"
        "sw t2, 56(sp)\n"
        "slli t3, t3, 2\n"
        "andi t4, t3, -16\n"
        "add t3, t0, t3\n"
        "sw t3, 60(sp)\n"
        "add t1, t0, t4\n"
        "beqz t4, 4f\n"
        "3:\n"
        TINYC_TILE_TAP(0, 0) TINYC_TILE_TAP(1, 4) TINYC_TILE_TAP(2, 8) TINYC_TILE_TAP(3, 12)
        "addi t0, t0, 16\n"
        "addi a0, a0, 4\n"
        "addi a1, a1, 4\n"
        "addi a2, a2, 4\n"
        "addi a3, a3, 4\n"
        "bne t0, t1, 3b\n"
        "4:\n"
        "lw t1, 60(sp)\n"
        "beq t0, t1, 6f\n"
        "5:\n"
        TINYC_TILE_TAP(0, 0)
        "addi t0, t0, 4\n"
        "addi a0, a0, 1\n"
        "addi a1, a1, 1\n"
        "addi a2, a2, 1\n"
        "addi a3, a3, 1\n"
        "bne t0, t1, 5b\n"
        "6:\n"
        "lw t1, 52(sp)\n"
        "lw t2, 56(sp)\n"
        "lw t3, 4(t1)\n"
        "bne t2, t3, 2b\n"
        "lw t2, 16(t1)\n"
        "lw t3, 20(t1)\n"
        "lw t4, 24(t1)\n"
        "lw t5, 28(t1)\n"
        "lw a0, 32(t1)\n"
        "lw a1, 36(t1)\n"
        "lw a2, 40(t1)\n"
        "lw a3, 44(t1)\n"
        "lw t6, 16(t2)\n"
        TINYC_TILE_OUTPUT("s0", "0(a0)") TINYC_TILE_OUTPUT("s4", "0(a1)")
        TINYC_TILE_OUTPUT("s8", "0(a2)") TINYC_TILE_OUTPUT("a4", "0(a3)")
        "lw t6, 20(t2)\n"
        TINYC_TILE_OUTPUT("s1", "1(a0)") TINYC_TILE_OUTPUT("s5", "1(a1)")
        TINYC_TILE_OUTPUT("s9", "1(a2)") TINYC_TILE_OUTPUT("a5", "1(a3)")
        "lw t6, 24(t2)\n"
        TINYC_TILE_OUTPUT("s2", "2(a0)") TINYC_TILE_OUTPUT("s6", "2(a1)")
        TINYC_TILE_OUTPUT("s10", "2(a2)") TINYC_TILE_OUTPUT("a6", "2(a3)")
        "lw t6, 28(t2)\n"
        TINYC_TILE_OUTPUT("s3", "3(a0)") TINYC_TILE_OUTPUT("s7", "3(a1)")
        TINYC_TILE_OUTPUT("s11", "3(a2)") TINYC_TILE_OUTPUT("a7", "3(a3)")
        "lw t6, 48(t1)\n"
        "beqz t6, 9f\n"
        "li ra, 4\n"
        "bge t6, ra, 8f\n"
        "mv ra, t6\n"
        "8:\n"
        "sub t6, t6, ra\n"
        "sw t6, 48(t1)\n"
        "addi t2, t2, 32\n"
        "sw t2, 16(t1)\n"
        "add a0, a0, ra\n"
        "add a1, a1, ra\n"
        "add a2, a2, ra\n"
        "add a3, a3, ra\n"
        "sw a0, 32(t1)\n"
        "sw a1, 36(t1)\n"
        "sw a2, 40(t1)\n"
        "sw a3, 44(t1)\n"
        "j 1b\n"
        "9:\n"
        "lw ra, 0(sp)\n"
        "lw s0, 4(sp)\n"
        "lw s1, 8(sp)\n"
        "lw s2, 12(sp)\n"
        "lw s3, 16(sp)\n"
        "lw s4, 20(sp)\n"
        "lw s5, 24(sp)\n"
        "lw s6, 28(sp)\n"
        "lw s7, 32(sp)\n"
        "lw s8, 36(sp)\n"
        "lw s9, 40(sp)\n"
        "lw s10, 44(sp)\n"
        "lw s11, 48(sp)\n"
        "addi sp, sp, 64\n"
        : "+r"(a0) : : "a1", "a2", "a3", "a4", "a5", "a6", "a7", "t0", "t1", "t2", "t3", "t4", "t5", "t6", "memory");
#else
    tinyc_tile_portable(tile);
#endif
}
