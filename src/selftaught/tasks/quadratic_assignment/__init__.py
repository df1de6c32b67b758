"""Quadratic assignment with a penalty for each place, as in STOP."""
