"""S7comm and S7comm-plus."""
