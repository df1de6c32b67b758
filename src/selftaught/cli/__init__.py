"""The command line: what `selftaught` does when it is typed."""
