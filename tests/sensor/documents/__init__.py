"""The table of fields, and what is made of it."""
