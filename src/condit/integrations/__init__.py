"""Condit in the loops of other libraries."""
