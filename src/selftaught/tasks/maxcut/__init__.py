"""Max-Cut on dense random graphs, as in STOP."""
