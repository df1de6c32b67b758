"""A momentum rule on ill-conditioned quadratics."""
