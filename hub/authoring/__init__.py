"""What helps who writes rules: the language for editors and people, what is odd in rules, rules made of others."""
