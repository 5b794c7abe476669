"""Networks, manifests and weights. "Models" means networks here, never database tables. Importing it loads no torch."""
