"""What stands in a report, and writing it."""
