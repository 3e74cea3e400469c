"""The systems of the field, a folder each; ``catalogue`` lists them."""
