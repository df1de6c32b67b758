"""Eleven points in a triangle, none of whose own triangles is small."""
