"""What triggers, orchestrators and activities share. docs/architecture.md draws who may import whom."""
