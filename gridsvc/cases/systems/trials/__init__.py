"""Try before you buy (先尝后买): a service on trial, a secret vote, widened batch by batch."""

__all__: list[str] = []
