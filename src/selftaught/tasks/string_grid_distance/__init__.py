"""Strings at a given grid distance, as in STOP."""
