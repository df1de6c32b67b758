"""Studies spend models and money, and write what they find to the journal."""
