"""What people ask of the hub, from their words to what comes of them."""
