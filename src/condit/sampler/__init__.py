"""Samplers: from a model, a matcher and a random generator to weighted texts.

Each is one file; ``base.py`` has what they share. Models and constraints are other packages.
"""
