"""The playground: a page of the server where constraints are tried out.

It checks what is typed (``checking.py``), draws, and shows runs as they grow (``routes.py``). The
page itself is in ``condit.page``. Texts that are typed come from anybody who reaches the server: no
file is opened and no module imported for them.
"""
