"""Modbus and UMAS."""
