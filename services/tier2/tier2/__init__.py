"""Tier 2: resolves by established methods; what it does not resolve goes on to Tier 3 by itself."""
