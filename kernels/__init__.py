"""One file per kernel: what it needs, what it computes, what it costs."""
