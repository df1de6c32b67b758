"""Twenty-six circles in the unit square, of the largest sum of radii."""
