"""Taking a tenant into service: what the app was granted there, and what an administrator still has to do."""
