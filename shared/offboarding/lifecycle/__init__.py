"""What happens to an offboarding that is stored: operations of people, and the watch of the timer."""
