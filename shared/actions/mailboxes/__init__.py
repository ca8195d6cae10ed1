"""What several actions know of mailboxes: whose they are, who has which right on them, and when they are safe."""
