"""Reminders before and after each limit, by rules that are data."""
