"""A report of a run or a series: one description of it, and its drawings."""
