"""Calls to hosts outside, and which addresses may be called at all."""
