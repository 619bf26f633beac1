"""Tier 3: the liaison of each component, with the vendor's engineers behind it, kept in step by webhook both ways."""
