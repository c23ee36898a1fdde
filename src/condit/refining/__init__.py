"""Decompose, critique, refine: what a program decides is enforced, the rest judged and redrawn."""
