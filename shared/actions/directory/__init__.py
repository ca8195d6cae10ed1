"""What several actions know of the directory: how groups are left and joined, and what licenses are called."""
