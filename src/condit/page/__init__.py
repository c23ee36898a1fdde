"""The page that shows runs: files that a browser reads, and what puts them together.

Scripts and styles are in ``static``, as they are served; nothing is built. ``vendor`` in it has two
libraries of others, whose licences are in ``NOTICE``. What is shown is a trace file
(``condit.trace``), which scripts of the page read by themselves.
"""
