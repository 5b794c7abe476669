"""Measures of finished frames that need no weights. It knows neither models nor how the frames were made."""
