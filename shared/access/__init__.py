"""Who is calling, what they may do, and in which tenants."""
