"""Device, memory, seeding and the run context: what a run needs that is not mathematics."""
