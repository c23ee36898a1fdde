"""Agents that keep to a specification: which event may come when, what it says, which tool answers.

``condit.Agent`` is the public face. A model chooses the events, one at a time, among those from
which the specification can be fulfilled whatever the tools answer.
"""
