"""What rules would come to, by the hub's own router: a request, their tests, the same past by two of them, a review."""
