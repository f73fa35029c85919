"""Commands, and nothing else: each is started by `python -m tools.NAME`; what they share lies below."""
