"""Files on disk by ids, how they come in, how they are linked to, and when they go."""
