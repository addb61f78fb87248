"""Outbox, outputs, configuration; tests/elastic has the real server."""
