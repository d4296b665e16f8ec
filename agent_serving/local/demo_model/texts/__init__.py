"""How people ask, by what they ask for: `TEXTS` of each module is intent → a template a line."""
