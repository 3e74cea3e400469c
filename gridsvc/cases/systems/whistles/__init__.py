"""Whistles (哨): calls to other bodies, who must report in."""
