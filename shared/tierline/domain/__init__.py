"""Floor 1, pure: no I/O, no clock, no async, no framework."""
