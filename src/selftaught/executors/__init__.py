"""Executors own the slots in which guests run, and watch their limits."""
