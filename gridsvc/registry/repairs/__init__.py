"""Repairs of an edition's faults: proposed, previewed, applied as a new draft, taken back."""
