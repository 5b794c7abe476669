"""Endpoints, the outbox of deliveries, and the signed requests that carry them."""
