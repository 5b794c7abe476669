"""The composer: what its controls hold, which of them a model offers, and what they ask of the service."""
