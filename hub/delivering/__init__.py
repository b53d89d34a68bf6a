"""From what is owed to what is shown: the outbox and its parts."""
