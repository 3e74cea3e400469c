"""Chat groups (工作群): whose orders and reminders a group hears, and by which robot."""
