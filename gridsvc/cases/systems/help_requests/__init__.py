"""Ask, take, rate (一呼百应): residents and offices ask, members of the community come."""

__all__: list[str] = []
