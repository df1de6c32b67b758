"""Online bin packing, as in FunSearch."""
