"""Running tools: Python functions in this process."""
