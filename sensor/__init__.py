"""The product: the loop that turns facts into assets and findings, their store and their outputs."""
