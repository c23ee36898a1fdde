"""Condit draws text from a language model conditioned on a constraint.

Always valid, faithfully weighted, at the speed of the model. See ``condit.generate``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

# Eager, for modules have the names of these functions: a later import must not hide them.
from condit.generate import generate
from condit.prefer.score import prefer
from condit.version import __version__ as __version__

if TYPE_CHECKING:
    from condit.agreement import Agreement
    from condit.batches.run import batch
    from condit.behave.agent import Agent
    from condit.behave.policy import policy
    from condit.behave.tools import command, tool
    from condit.behave.toolset import Toolset
    from condit.cache import CacheInfo, cache_info, clear_cache, set_cache_limit
    from condit.constraint.algebra.free import free
    from condit.constraint.algebra.limits import within
    from condit.constraint.algebra.repeated import optional, repeat
    from condit.constraint.algebra.sequence import then
    from condit.constraint.algebra.template import template
    from condit.constraint.algebra.triggered import triggered
    from condit.constraint.base import Constraint, Matcher, Strength, Violation
    from condit.constraint.choice import choice
    from condit.constraint.function import function
    from condit.constraint.grammar import grammar
    from condit.constraint.json_schema import json_schema
    from condit.constraint.lexical.instructions import instructions
    from condit.constraint.regex import regex
    from condit.constraint.source import make_constraint
    from condit.constraint.types.checked_number import checked_number
    from condit.constraint.types.csv import csv
    from condit.constraint.types.date import date
    from condit.constraint.types.datetime import datetime
    from condit.constraint.types.email import email
    from condit.constraint.types.iban import iban
    from condit.constraint.types.integer import integer
    from condit.constraint.types.line import line, sentence
    from condit.constraint.types.markdown_table import markdown_table
    from condit.constraint.types.number import number
    from condit.constraint.types.phone import phone
    from condit.constraint.types.time import time
    from condit.constraint.types.url import url
    from condit.constraint.types.uuid import uuid
    from condit.constraint.types.xml import xml
    from condit.constraint.types.yaml import yaml
    from condit.constraint.where import where
    from condit.constraint.where_prefix import where_prefix
    from condit.corpus.index import Corpus, Strings
    from condit.corpus.one_of_many import one_of_many
    from condit.corpus.quote import quote
    from condit.errors import CompileError, ConditError
    from condit.fields import ABSENT
    from condit.forbidden.forbid import forbid
    from condit.hindsight import alternatives
    from condit.instruct import describe, instructed_prompt
    from condit.marginal import Marginal, Share
    from condit.model.base import Decoder, Model
    from condit.model.load import load
    from condit.model.ngram import NgramModel
    from condit.model.remote import RemoteModel
    from condit.prefer.base import Preference
    from condit.prefer.classifier import classifier
    from condit.prefer.likelihood import likelihood
    from condit.prefer.source import make_preference
    from condit.prefer.zero_shot import zero_shot
    from condit.refining.run import refine
    from condit.report import Guarantee, Report
    from condit.result import Result, Sample, Stats
    from condit.retrieval import retrieve
    from condit.sampler.asap import ASAp
    from condit.sampler.auto import Auto
    from condit.sampler.awrs import AWRS
    from condit.sampler.base import Sampler
    from condit.sampler.beam import Beam
    from condit.sampler.best_of import BestOf
    from condit.sampler.exact import Exact
    from condit.sampler.learned import Learned
    from condit.sampler.masked import Masked
    from condit.sampler.mcmc import MCMC
    from condit.sampler.memory import Memory
    from condit.sampler.rejection import Rejection
    from condit.sampler.smc import SMC
    from condit.scores import SpanScores, span_scores
    from condit.speculate.settings import Drafts
    from condit.temporal.ltlf import ltlf
    from condit.vocabulary import Vocabulary

_HOMES = {
    "condit.agreement": ("Agreement",),
    "condit.batches.run": ("batch",),
    "condit.behave.agent": ("Agent",),
    "condit.behave.policy": ("policy",),
    "condit.behave.tools": ("command", "tool"),
    "condit.behave.toolset": ("Toolset",),
    "condit.cache": ("CacheInfo", "cache_info", "clear_cache", "set_cache_limit"),
    "condit.constraint.algebra.free": ("free",),
    "condit.constraint.algebra.limits": ("within",),
    "condit.constraint.algebra.repeated": (
        "optional",
        "repeat",
    ),
    "condit.constraint.algebra.sequence": ("then",),
    "condit.constraint.algebra.template": ("template",),
    "condit.constraint.algebra.triggered": ("triggered",),
    "condit.constraint.base": ("Constraint", "Matcher", "Strength", "Violation"),
    "condit.constraint.choice": ("choice",),
    "condit.constraint.function": ("function",),
    "condit.constraint.grammar": ("grammar",),
    "condit.constraint.json_schema": ("json_schema",),
    "condit.constraint.lexical.instructions": ("instructions",),
    "condit.constraint.regex": ("regex",),
    "condit.constraint.source": ("make_constraint",),
    "condit.constraint.where": ("where",),
    "condit.constraint.where_prefix": ("where_prefix",),
    "condit.constraint.types.checked_number": ("checked_number",),
    "condit.constraint.types.csv": ("csv",),
    "condit.constraint.types.date": ("date",),
    "condit.constraint.types.datetime": ("datetime",),
    "condit.constraint.types.email": ("email",),
    "condit.constraint.types.iban": ("iban",),
    "condit.constraint.types.integer": ("integer",),
    "condit.constraint.types.line": ("line", "sentence"),
    "condit.constraint.types.markdown_table": ("markdown_table",),
    "condit.constraint.types.number": ("number",),
    "condit.constraint.types.phone": ("phone",),
    "condit.constraint.types.time": ("time",),
    "condit.constraint.types.url": ("url",),
    "condit.constraint.types.uuid": ("uuid",),
    "condit.constraint.types.xml": ("xml",),
    "condit.constraint.types.yaml": ("yaml",),
    "condit.corpus.index": ("Corpus", "Strings"),
    "condit.corpus.one_of_many": ("one_of_many",),
    "condit.corpus.quote": ("quote",),
    "condit.errors": ("CompileError", "ConditError"),
    "condit.fields": ("ABSENT",),
    "condit.forbidden.forbid": ("forbid",),
    "condit.instruct": ("describe", "instructed_prompt"),
    "condit.marginal": ("Marginal", "Share"),
    "condit.model.base": ("Decoder", "Model"),
    "condit.model.load": ("load",),
    "condit.model.ngram": ("NgramModel",),
    "condit.model.remote": ("RemoteModel",),
    "condit.prefer.base": ("Preference",),
    "condit.prefer.classifier": ("classifier",),
    "condit.prefer.likelihood": ("likelihood",),
    "condit.prefer.source": ("make_preference",),
    "condit.prefer.zero_shot": ("zero_shot",),
    "condit.refining.run": ("refine",),
    "condit.report": ("Guarantee", "Report"),
    "condit.result": ("Result", "Sample", "Stats"),
    "condit.retrieval": ("retrieve",),
    "condit.sampler.asap": ("ASAp",),
    "condit.sampler.auto": ("Auto",),
    "condit.sampler.awrs": ("AWRS",),
    "condit.sampler.base": ("Sampler",),
    "condit.sampler.beam": ("Beam",),
    "condit.sampler.best_of": ("BestOf",),
    "condit.sampler.exact": ("Exact",),
    "condit.sampler.learned": ("Learned",),
    "condit.sampler.masked": ("Masked",),
    "condit.sampler.mcmc": ("MCMC",),
    "condit.sampler.memory": ("Memory",),
    "condit.sampler.rejection": ("Rejection",),
    "condit.sampler.smc": ("SMC",),
    "condit.hindsight": ("alternatives",),
    "condit.scores": ("SpanScores", "span_scores"),
    "condit.speculate.settings": ("Drafts",),
    "condit.temporal.ltlf": ("ltlf",),
    "condit.vocabulary": ("Vocabulary",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [  # noqa: RUF022 - the order of the documentation
    "load",
    "generate",
    "batch",
    "refine",
    "regex",
    "grammar",
    "json_schema",
    "choice",
    "quote",
    "one_of_many",
    "forbid",
    "retrieve",
    "Corpus",
    "Strings",
    "function",
    "where",
    "where_prefix",
    "instructions",
    "integer",
    "number",
    "date",
    "time",
    "datetime",
    "email",
    "url",
    "uuid",
    "iban",
    "checked_number",
    "phone",
    "line",
    "sentence",
    "csv",
    "xml",
    "markdown_table",
    "yaml",
    "then",
    "repeat",
    "optional",
    "free",
    "template",
    "triggered",
    "ltlf",
    "Agent",
    "Toolset",
    "tool",
    "command",
    "policy",
    "within",
    "span_scores",
    "SpanScores",
    "alternatives",
    "make_constraint",
    "describe",
    "instructed_prompt",
    "prefer",
    "likelihood",
    "classifier",
    "zero_shot",
    "make_preference",
    "cache_info",
    "clear_cache",
    "set_cache_limit",
    "CacheInfo",
    "Memory",
    "Drafts",
    "Result",
    "Sample",
    "Stats",
    "Report",
    "Marginal",
    "Share",
    "ABSENT",
    "Agreement",
    "Auto",
    "Exact",
    "SMC",
    "Learned",
    "AWRS",
    "Masked",
    "MCMC",
    "Rejection",
    "ASAp",
    "BestOf",
    "Beam",
    "Model",
    "Decoder",
    "NgramModel",
    "RemoteModel",
    "Vocabulary",
    "Constraint",
    "Matcher",
    "Strength",
    "Violation",
    "Preference",
    "Sampler",
    "Guarantee",
    "ConditError",
    "CompileError",
]


def __getattr__(name: str) -> Any:
    # Names are imported when first used: importing condit stays fast, and never imports torch.
    if name in ("lexical", "ray", "regular"):  # modules: their import sets the attribute
        return import_module(f"condit.{name}")
    if name not in _HOME_OF:
        raise AttributeError(f"module 'condit' has no attribute {name!r}")
    value = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
