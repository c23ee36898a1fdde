"""Drafts (speculative decoding): guessed next tokens, forwarded together with the last one.

This package makes guesses and decides how many pay. Tokens are drawn in ``condit.sampler.ahead``.
"""
