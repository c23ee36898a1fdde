"""Condit's constraints in vLLM, with the weight of every text.

``ConditLogitsProcessor`` is what vLLM loads; `generate` is what programs call.
"""

from condit_vllm.generate import OPTIONS, WeightsExtension, generate
from condit_vllm.processor import ConditLogitsProcessor

__all__ = ["OPTIONS", "ConditLogitsProcessor", "WeightsExtension", "generate"]
