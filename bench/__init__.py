"""Benchmarks: each number beside its baseline in the same run, as ratios of medians."""
