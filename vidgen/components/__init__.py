"""Diffusion mathematics as pure functions: no files, no models, no devices."""
