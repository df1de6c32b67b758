"""Tiers of containment, one a file, and the probe that chooses between them."""
