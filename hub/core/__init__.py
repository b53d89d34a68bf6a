"""The rules of the product: pure functions over frozen records. No clock, no logging, no I/O, no `async`."""
