/* How the inputs of a layer become numbers of 16 bits. */
struct tinyc_dsp_inputs {
    void (*spread)(uint32_t *, const int8_t *, int32_t, int32_t, uint32_t); /* widens packed ones; NULL: none are */
    uint8_t many;  /* elements in a byte */
    uint8_t shift; /* bits by which packed ones are shifted up as they are widened, */
    uint8_t scale; /* and bytes afterwards: sums are multiplied by 2^scale before the requantization */
};
