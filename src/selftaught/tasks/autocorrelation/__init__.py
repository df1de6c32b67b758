"""A step function whose autoconvolution has a low maximum."""
