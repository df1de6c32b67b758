"""The engine: what happens between an improver's request and its answer."""
