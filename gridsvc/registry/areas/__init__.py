"""Districts, streets and communities, in dated editions."""
