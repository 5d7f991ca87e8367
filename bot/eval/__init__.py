"""Measures how well the program remembers and finds, for `reverie eval`."""
