"""Files of prompts: every row of a file is answered in a file of answers, however long it takes.

``condit.batch`` is in ``run.py``. What a row may say is in ``rows.py`` and ``openai_rows.py``, what
its answer says in ``answers.py``, and how a batch goes on after it was killed in ``output.py``. How
texts are drawn is not decided here: each row is one call of ``condit.generate``.
"""
