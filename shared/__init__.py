"""What triggers, orchestrators and activities share. docs/architecture.md draws who may import whom."""

__version__ = "0.2.0"
