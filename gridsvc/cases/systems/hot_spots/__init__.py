"""The loop behind an alarm (热力图告警): tell, study the cause, measure, watch, order again."""

__all__: list[str] = []
