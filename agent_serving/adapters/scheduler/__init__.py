"""Schedulers: how requests get a place on a worker."""

from agent_serving.adapters.scheduler.fifo import FifoScheduler

__all__ = ["FifoScheduler"]
