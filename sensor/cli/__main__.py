"""`python -m sensor.cli`, the same as `fieldtap`."""

from sensor.cli import main

main()
