"""Constraints made of constraints: the operators, sequences, templates, free text, limits.

A text is free, or a part after another, or one of several, or all of several at once. What a part
is does not matter here: any ``Constraint`` will do.
"""
