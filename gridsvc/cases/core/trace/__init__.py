"""The trace: append-only, each entry holding the hash of the one before."""
