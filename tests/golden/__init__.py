"""Golden files: what the engine says about small conversations, kept as text."""
