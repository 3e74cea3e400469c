"""Proposals that mend one fault of a coverage at a time; nothing here changes anything itself."""
