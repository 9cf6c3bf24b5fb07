"""Scripts that build and train the example models, with the trained files beside them."""
