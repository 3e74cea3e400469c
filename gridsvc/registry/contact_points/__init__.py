"""Judges' contact points (法官联系点): which judge is there for which village or community."""
