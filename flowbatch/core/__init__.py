"""The rules: one fact in, orders out. Pure: no input or output, no clock, no randomness."""
