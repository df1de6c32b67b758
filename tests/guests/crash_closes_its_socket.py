"""Closes every descriptor that it has, its way to answer included, and goes on."""

import os
import time


def algorithm(*args):
    os.closerange(0, 4096)
    time.sleep(1000)
