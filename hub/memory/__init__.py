"""What the hub holds in memory, and the one who writes it down."""
