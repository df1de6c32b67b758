"""Reads the search strategies of an improver out of its syntax tree; run in the sandbox as one text."""
