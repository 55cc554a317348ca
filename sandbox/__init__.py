"""The embedded world: everything the marketplace needs to run on one machine."""
