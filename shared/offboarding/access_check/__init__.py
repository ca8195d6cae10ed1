"""Can the person still get at anything? What an offboarding's own list does not ask, looked at everywhere."""
