"""How a turn runs: decide, act, commit."""
