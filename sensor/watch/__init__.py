"""Live interfaces, for months (DESIGN.md, 2 and 2.2): the same pipeline as a replay's, over an engine that listens."""
