"""The tenants that are managed, their people, and who of them is never touched."""
