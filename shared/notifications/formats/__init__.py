"""How a message looks for each kind of receiver."""
