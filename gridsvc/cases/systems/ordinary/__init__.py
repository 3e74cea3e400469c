"""The ordinary case in seven stages."""
