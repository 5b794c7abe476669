"""Frames to the file that a user takes away: one format a file, and `deliver`, which knows them all."""
