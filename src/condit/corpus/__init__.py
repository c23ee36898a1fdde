"""A corpus as a constraint: verbatim quotations of documents, and one of very many strings.

``quote.py`` and ``one_of_many.py`` are the constraints; both follow one structure, the sorted
places of ``places.py``, byte by byte. Models and samplers are not used here.
"""
