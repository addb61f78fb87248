"""Other people's captures, and what other people's tools say about them."""
