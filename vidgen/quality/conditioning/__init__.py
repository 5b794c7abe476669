"""Whether a clip does what it was asked for: its camera, its paths and its controls, measured on its frames.

Frames are `uint8 [frames, height, width, 3]`. Knows neither specs' media nor models.
"""
