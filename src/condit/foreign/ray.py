"""What Condit relies on in Ray, which runs batches on many machines. It is imported here alone."""

from __future__ import annotations

from typing import Any

from condit.foreign.versions import importing, require

PACKAGE = "ray"


def ray_data() -> Any:
    """The module ``ray.data``, with all that Condit uses.

    Raises:
        MissingDependencyError: Ray is not installed.
        IncompatibleDependencyError: it is in a version that cannot be used.
    """
    with importing(PACKAGE):
        import ray.data
        from ray.data import Datasource, block, checkpoint
    names = ("ActorPoolStrategy", "Datasource", "DataContext", "ReadTask", "read_datasource")
    require(PACKAGE, ray.data, names)
    require(PACKAGE, ray.data.Dataset, ("map_batches", "repartition", "iter_batches", "context"))
    require(PACKAGE, Datasource, ("get_read_tasks", "estimate_inmemory_data_size"))
    require(PACKAGE, checkpoint, ("CheckpointConfig",))
    require(PACKAGE, block, ("BlockMetadata",))
    return ray.data


def checkpoint_config(id_column: str, path: str) -> Any:
    """Ray's settings by which rows that were written are left out when a job is run again."""
    ray_data()
    from ray.data.checkpoint import CheckpointConfig

    # Kept when the job is done: then it has nothing to do when it is run again.
    return CheckpointConfig(id_column, path, delete_checkpoint_on_success=False)


def pickled(value: object) -> bytes:
    """``value`` as it is sent to another process."""
    ray_data()
    from ray import cloudpickle

    found: bytes = cloudpickle.dumps(value)
    return found


def block_metadata(rows: int) -> Any:
    """What Ray is told of blocks before they are read."""
    ray_data()
    from ray.data.block import BlockMetadata

    return BlockMetadata(num_rows=rows, size_bytes=None, input_files=None, exec_stats=None)


def probe() -> None:
    """Raise `IncompatibleDependencyError` if something that Condit relies on is missing."""
    ray_data()
