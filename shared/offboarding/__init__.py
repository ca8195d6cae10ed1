"""What can be done with offboardings: asking for them, showing them, moving them through their life."""
