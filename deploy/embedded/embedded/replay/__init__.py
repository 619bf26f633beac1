"""Replay: what is shown is rebuilt from the topics alone, and held against what is kept."""
