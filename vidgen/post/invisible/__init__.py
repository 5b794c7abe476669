"""A mark that is not seen: a number in the luminance of every frame, which encoders and resizing leave there."""
