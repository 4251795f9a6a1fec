"""One module per stack: first those that keep data (identity, data, messaging), then those that can be made again."""
