"""Tier 1: answers what is in the manuals; what it does not resolve goes on to Tier 2 by itself."""
