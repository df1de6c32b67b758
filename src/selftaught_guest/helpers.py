"""What `from helpers import ...` finds in a guest, as in the reference implementation."""

from selftaught_guest.extract import extract_code

__all__ = ["extract_code"]
