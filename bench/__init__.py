"""Measures, as ratios against something measured in the same run: machines are noisy, absolute numbers lie."""
