"""Messages: what must be delivered, to whom, written in the same transaction."""
