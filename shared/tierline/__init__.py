"""What the five services share: `domain` (the rules), `kit` (the plumbing), `desk` (what the four desks have in common)."""

__version__ = "0.1.0"
