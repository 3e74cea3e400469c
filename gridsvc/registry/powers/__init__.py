"""Powers (权责清单), and what of them is delegated to streets and towns (赋权清单)."""
