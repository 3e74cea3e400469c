"""Foresight: what reports tell before anybody calls again."""
