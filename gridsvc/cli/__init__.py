"""The command line: each command calls one function of the service."""

from gridsvc.cli.app import main

__all__ = ["main"]
