"""What the processes say of themselves: log lines with ids, and traces. Knows no job tables, no HTTP and no torch."""
