"""Clips longer than a model's window: planned, made piece by piece on carried latents, resumable at every piece."""
