"""How urgent a job may be: 0 to 9, and 9 runs first."""

LOWEST_PRIORITY, NORMAL_PRIORITY, HIGHEST_PRIORITY = 0, 5, 9
