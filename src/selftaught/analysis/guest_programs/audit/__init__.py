"""Reads bypasses and tricks out of a program's syntax tree; run in the sandbox as one text."""
