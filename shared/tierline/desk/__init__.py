"""Floor 2b: what the four desks share, as plain functions."""
