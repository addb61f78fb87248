"""What leaves the sensor as documents and files."""
