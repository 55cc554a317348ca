"""Everything that changes state: one file per owner of a noun."""
