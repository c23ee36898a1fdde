"""What Condit needs of other libraries beyond documented interfaces: one file, one probe for each.

A probe checks the installed version and raises `IncompatibleDependencyError` that says what is
missing. Nothing else is computed here.
"""
