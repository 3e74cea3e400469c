"""What is kept: how long, under which keys, and copies for the day on which it is lost."""
