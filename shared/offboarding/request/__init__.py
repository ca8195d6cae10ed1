"""What is asked for: reading it, checking it, remarking on it, and storing it."""
