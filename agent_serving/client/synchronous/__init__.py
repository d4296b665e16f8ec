"""The client for programs without an event loop."""

# Made from ../asynchronous by `python -m agent_serving.client.generate`. Do not edit.
