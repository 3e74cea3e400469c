"""Looking back (回头看): recurring places come back as tasks before their season."""

__all__: list[str] = []
