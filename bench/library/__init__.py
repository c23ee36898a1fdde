"""What every bench needs and none of them is about.

- ``options``: command lines, and the options that many benches have.
- ``venvs``, ``workers``, ``contestants``: who competes, each in an environment and process of its
  own; time limits and restarts.
- ``rounds``, ``journal``: whose turn it is, and every record on disk at once.
- ``statistics``, ``results``: from numbers to medians, ratios and tables; what is kept of a run.

What is measured, and against whom, is in the benches themselves.
"""
