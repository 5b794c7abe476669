"""Jobs that wait: whose turn it is, what fits where, and how workers hear of them."""
