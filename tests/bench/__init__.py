"""How fast the product is, measured as its users run it: see README.md here, and `python -m tests.bench --help`."""
