"""Tiny checkpoints of every family's real classes with random weights, in the real folder layout, one family a file."""
