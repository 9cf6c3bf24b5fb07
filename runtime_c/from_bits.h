/* The float with these bits: 0x7f800000 is infinity, 0x7fc00000 is not a number. */
static inline TINYC_HOT_ATTR float tinyc_from_bits(uint32_t bits)
{
    union {
        uint32_t bits;
        float value;
    } u;

    u.bits = bits;
    return u.value;
}
