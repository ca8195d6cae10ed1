"""What is asked about a person, and what the answers mean."""
