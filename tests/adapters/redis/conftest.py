from tests.contracts.stores import prefix, raw, server, store

__all__ = ["prefix", "raw", "server", "store"]
