"""Appeals of bodies after closing, which supervision decides."""
