/* Words for the console of a debugger or an emulator, without a driver.
 * Arm, "Semihosting for AArch32 and AArch64". On a device without either, the first call is a fault. */
#ifndef SEMIHOSTING_H
#define SEMIHOSTING_H

void semihosting_print(const char *text);

/* Ends the program; 0 is success. */
__attribute__((noreturn)) void semihosting_exit(int code);

#endif /* SEMIHOSTING_H */
