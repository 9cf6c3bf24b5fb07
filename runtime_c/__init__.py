"""C headers that emitted code uses; each section is one file, joined into tinyc_runtime.h as needed."""
