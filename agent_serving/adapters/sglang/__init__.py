"""SGLang over HTTP: tokens in, tokens out."""

from agent_serving.adapters.sglang.engine import SglangEngine

__all__ = ["SglangEngine"]
