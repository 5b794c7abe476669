"""Files to frames and frames to files: the only importers of av and decord."""
