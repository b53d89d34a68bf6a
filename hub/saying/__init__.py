"""How the hub says things: templates, the words for them, and what a post says now."""
