"""OpenAI's API over the same sessions and turns: a response is a turn, a conversation a session."""
