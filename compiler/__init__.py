"""The command line, the ordered list of stages, verification and reports."""
