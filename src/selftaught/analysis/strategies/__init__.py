"""Search strategies of improvers: read out of their programs, and seen in what they did."""
