"""What the locator is worth beside the tools that people use: `python -m benchmarks`.

`fixtures` makes areas and points from a seed, `contenders` sets up each tool as its manual tells,
`race` times one of them alone in a process of its own, `locator` measures what only the locator
has, `growth` plots cost against the number of areas, and `report` writes docs/benchmarks.md.
"""

__all__ = ["NAVIGATION"]

#: The first line of every page.
NAVIGATION = "[gridsvc](../README.md) · [All pages](index.md)"
