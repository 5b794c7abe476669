"""Whose a row is, who may do what, and what they may use."""
