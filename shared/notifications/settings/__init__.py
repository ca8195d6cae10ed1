"""Who is told, and how: destinations, what of them is stored, and how their secrets are."""
