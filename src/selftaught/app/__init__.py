"""The application: configuration, composition, and the public functions."""
