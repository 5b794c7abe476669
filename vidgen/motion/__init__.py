"""Conditioning items, one a file: each paints what it knows onto the canvas that a model is conditioned on."""
