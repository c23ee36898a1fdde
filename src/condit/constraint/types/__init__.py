"""Small types: numbers, dates, addresses, checksummed numbers, lines, tables and documents.

Each is a constraint whose matcher is a byte matcher (the table of a regular expression, or a few
lines of arithmetic) and whose oracle is a library that has nothing to do with it. How expressions
are followed is in the room ``regular``, how constraints are composed in ``algebra``.
"""
