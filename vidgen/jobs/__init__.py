"""The control plane: the job row is the truth, everything else only reads it or wakes somebody. Loads no torch."""
