"""DNP3: recorded between stations of opendnp3 (`record`, `stack.cpp`), with requests by hand among them (`roles`), or `crafted`."""
