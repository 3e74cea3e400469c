"""Every table of foresight, in one place for migrations and tests."""

from gridsvc.foresight.alarms.models import Alarm, AlarmScan

__all__ = ["Alarm", "AlarmScan"]
