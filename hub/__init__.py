"""Tocsin: one hub between the tools that raise alarms and the rooms where people talk."""

__version__ = "0.1.0"
