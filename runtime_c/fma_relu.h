/* Relu in place. The assembly clears a float whose sign is set. */
static TINYC_LAYER_ATTR TINYC_HOT_ATTR void tinyc_fma_relu(float *values, int32_t count)
{
#if defined(tinyc_fma_assembly)
    for (; count >= 4; count -= 4) {
        __asm__ volatile("ldm %0, {r2, r3, r4, r5}\n"
                         "bic r2, r2, r2, asr #31\n"
                         "bic r3, r3, r3, asr #31\n"
                         "bic r4, r4, r4, asr #31\n"
                         "bic r5, r5, r5, asr #31\n"
                         "stm %0!, {r2, r3, r4, r5}\n"
                         : "+r"(values) : : "r2", "r3", "r4", "r5", "memory");
    }
#endif
    for (; count > 0; --count, ++values) {
        *values = *values < 0.0f ? 0.0f : *values;
    }
}
