"""A model made to follow a user's own clips: low-rank layers, what they are trained on, and the training itself."""
