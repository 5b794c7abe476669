"""Steps over finished frames: streaming, deterministic, one a file. `chain` puts them one after the other."""
