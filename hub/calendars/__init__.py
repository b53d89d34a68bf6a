"""Calendars of schedules."""
