"""What runs around an untrusted program inside the sandbox. It imports nothing of `selftaught`."""
