/* A handwritten 1: the first image of models/digits_evaluation.npz, 8 × 8, 0 is paper and 16 is ink. */
#ifndef IMAGE_H
#define IMAGE_H

#include <stdint.h>

static const uint8_t pixels[64] = {
     0,  0,  0,  0, 11, 14,  3,  0,
     0,  0,  0,  2, 16, 16,  2,  0,
     0,  0,  0, 11, 16, 14,  0,  0,
     0,  0,  3, 16, 16, 15,  0,  0,
     0,  1, 13, 16, 16, 13,  0,  0,
     0,  6, 16,  9, 15, 13,  0,  0,
     0,  0,  0,  0, 12, 16,  1,  0,
     0,  0,  0,  0,  9, 14,  1,  0,
};

#endif /* IMAGE_H */
