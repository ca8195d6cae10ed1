"""What starts work: thin translations between HTTP or the clock and `shared.offboarding`."""
