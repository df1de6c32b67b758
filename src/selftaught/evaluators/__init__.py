"""Evaluators in the forms of other projects, as utilities."""
