"""Exchange Online: every cmdlet that is used, and the client that sends them in batches."""
