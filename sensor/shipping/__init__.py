"""Shipping: from the outbox to where people look. It knows the store and the network, never packets."""
