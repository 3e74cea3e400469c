"""The queries behind tiles, exports and the page of a joint case."""
