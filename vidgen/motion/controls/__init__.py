"""Control videos, one kind a module: what a clip should follow, drawn as frames that a model is given.

Frames are `uint8 [frames, height, width, 3]`, RGB. The embedded checkpoint was trained on exactly these drawings.
"""
