"""What triggers, orchestrators and activities share."""
