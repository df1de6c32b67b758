"""Online bin packing in the two settings of FunSearch."""
