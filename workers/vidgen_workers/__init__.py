"""Workers: one process supervises jobs and talks to the database, its child owns the device. Speaks to no client."""
