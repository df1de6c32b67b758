"""Satisfiable formulas of three literals a clause, as in STOP."""
