"""Loading what users may edit: tools and grammars."""
