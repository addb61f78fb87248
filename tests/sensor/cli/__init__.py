"""The command line, as a process and through click's runner."""
