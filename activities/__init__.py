"""One file per action: the whole story of that action is in it."""
