"""The parts of the router: what holds an alert back, what ends by itself, what should have been heard."""
