"""The log of all traces: append-only, signed, and kept outside too, so that nobody rewrites one."""
