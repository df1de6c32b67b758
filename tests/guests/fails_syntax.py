"""Is no Python."""
def algorithm(:
