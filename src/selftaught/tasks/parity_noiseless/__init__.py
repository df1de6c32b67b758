"""Learning parity without noise, as in STOP."""
