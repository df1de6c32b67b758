"""Learning parity with noise, as in STOP."""
