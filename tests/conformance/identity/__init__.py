"""Conformance of what identifies devices."""
