"""Part and event classes of the national lists."""
