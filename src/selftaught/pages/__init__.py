"""What is shown of a result, as blocks, and their drawings: terminal, HTML and Markdown."""
