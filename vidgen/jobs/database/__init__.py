"""Engines, transactions, tables and migrations, and what all queries share."""
