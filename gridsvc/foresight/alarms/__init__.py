"""Heat and alarms (热力图告警): hot cells, scans that rarely cry wolf, effects of measures."""

__all__: list[str] = []
