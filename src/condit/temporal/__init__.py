"""Temporal logic on finite traces (LTLf): what may happen in which order, as a constraint.

``condit.ltlf`` makes one. A transcript is a row of events. The text of each has a constraint of its
own, and a formula says in which order they may come. How events come about, by a model or by tools,
is no matter here.
"""
