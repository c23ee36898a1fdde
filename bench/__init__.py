"""Benches against named peers, in one run on one machine. Not shipped in the wheel."""
