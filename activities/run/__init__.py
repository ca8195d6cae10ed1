"""What a run does besides its actions. Each is safe to repeat: it looks at what is recorded before it writes."""
