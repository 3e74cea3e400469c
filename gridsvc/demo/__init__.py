"""The demonstration: real Beijing, a made-up census, and the story of a building on a border."""

from gridsvc.demo.play import Outcome, play

__all__ = ["Outcome", "play"]
