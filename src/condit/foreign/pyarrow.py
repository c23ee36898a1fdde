"""What Condit relies on in ``pyarrow``, which reads and writes Parquet files.

Its modules are imported here alone, when they are first needed.
"""

from __future__ import annotations

from typing import Any

from condit.foreign.versions import importing, require

PACKAGE = "pyarrow"


def arrow() -> Any:
    """The module ``pyarrow``.

    Raises:
        MissingDependencyError: it is not installed.
        IncompatibleDependencyError: it is in a version that cannot be used.
    """
    with importing(PACKAGE):
        import pyarrow
    require(PACKAGE, pyarrow, ("ArrowException", "RecordBatch", "Table", "schema"))
    return pyarrow


def parquet() -> Any:
    """The module ``pyarrow.parquet``; raises as `arrow` does."""
    arrow()
    with importing(PACKAGE):
        import pyarrow.parquet
    require(PACKAGE, pyarrow.parquet, ("ParquetFile", "ParquetWriter"))
    return pyarrow.parquet


def probe() -> None:
    """Raise `IncompatibleDependencyError` if something that Condit relies on is missing."""
    parquet()
