"""Leaves while it is loaded."""

import os

os._exit(3)
