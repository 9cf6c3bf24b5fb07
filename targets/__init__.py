"""One TOML file per board, and its loader."""
