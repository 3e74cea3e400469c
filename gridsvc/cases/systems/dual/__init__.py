"""Dual dispatch (双派双考): one order to two bodies, two clocks, both scored."""
