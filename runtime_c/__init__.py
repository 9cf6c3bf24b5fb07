"""C headers that the emitted code uses."""
