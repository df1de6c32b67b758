"""Vectors over three elements, no three of them on a line."""
