"""Runs a command that ends, with all that it started, when whoever asked for it is gone."""

import os
import signal
import subprocess
import sys
import time

asked_by = os.getppid()
process = subprocess.Popen(sys.argv[1:])
while process.poll() is None:
    if os.getppid() != asked_by:
        os.killpg(0, signal.SIGKILL)  # the host made this process the first of a group
    time.sleep(0.2)
sys.exit(process.returncode)
