"""What can be configured, and how it is given."""

from agent_serving.config.loading import (
    PREFIX,
    TABLES,
    Configuration,
    Given,
    flag_of,
    load,
)
from agent_serving.config.settings import Settings

__all__ = [
    "PREFIX",
    "TABLES",
    "Configuration",
    "Given",
    "Settings",
    "flag_of",
    "load",
]
