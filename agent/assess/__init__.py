"""Assess: readings to observations to findings to points. Pure: no I/O, no clock, no floats."""
