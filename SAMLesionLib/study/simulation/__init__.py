"""Simulated readers: the whole study from design to report before people are asked for their time."""
