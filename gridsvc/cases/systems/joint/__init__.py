"""Joint whistles (跨区吹哨): both sides of a border are called, act, and close."""
