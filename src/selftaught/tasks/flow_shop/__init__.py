"""Permutation flow shop with an index rule."""
