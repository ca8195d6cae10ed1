"""What an action is: what it reads, how it is planned and judged, and what several actions know."""
