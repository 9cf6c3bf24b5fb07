"""Random float graphs, node by node."""
