"""Calibration of the seam measures on film, and the ways of making long clips compared by them."""
