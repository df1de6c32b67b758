"""Max-Cut with a local-field rule."""
