"""The trace of a run: its records, and the files that they are written to and read from."""

from condit.trace.format import SCHEMA, VERSION
from condit.trace.growth import Growth
from condit.trace.lines import Alternative, Alternatives
from condit.trace.reader import Problem, Run, Text, read
from condit.trace.records import Begun, Drawn, Ended, FinishReason, Reached, StepInfo
from condit.trace.run_info import RunInfo
from condit.trace.writer import Writer, lines_of, save

__all__ = [
    "SCHEMA",
    "VERSION",
    "Alternative",
    "Alternatives",
    "Begun",
    "Drawn",
    "Ended",
    "FinishReason",
    "Growth",
    "Problem",
    "Reached",
    "Run",
    "RunInfo",
    "StepInfo",
    "Text",
    "Writer",
    "lines_of",
    "read",
    "save",
]
