"""The life of editions: audited, put in force, taken back; and what parts one from another."""
