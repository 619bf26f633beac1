"""Floor 2, plumbing: not one word of the business (a test looks for them)."""
