"""Measures of finished frames, on clips whose defects are planted."""
