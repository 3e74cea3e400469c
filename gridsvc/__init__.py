"""gridsvc finds the owner of every place in a city, and calls both sides of a border."""

__all__ = ["__version__"]

__version__ = "0.6.0"
