"""Disputes (边界争议): places that two areas claim, or that none claims, until they are settled."""
