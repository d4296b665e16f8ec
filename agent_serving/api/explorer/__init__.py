"""The session explorer: a page that shows sessions as the REST interface tells of them."""

from agent_serving.api.explorer.pages import install

__all__ = ["install"]
