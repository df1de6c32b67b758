"""Reads the strategies of an improver out of its syntax tree; a guest program in modules."""
