"""Stands before the rich of the development tools: a hub that is measured has none, as where it is installed."""

raise ImportError("only the development tools have it")
