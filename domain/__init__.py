"""Pure words, numbers and rules of the marketplace: no I/O, no clock, no framework."""
