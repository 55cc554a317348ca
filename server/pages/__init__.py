"""Handlers that return a template. Pages read; every write goes through the JSON API."""
