"""Small types: numbers, dates, addresses, checksummed numbers, lines, tables and documents.

Each is a constraint whose matcher is a byte matcher (an automaton, or a few lines of arithmetic)
and whose oracle is a library that has nothing to do with it. How constraints are composed with one
another is not here.
"""
