"""Who may do what: roles, area prefixes, tokens."""
