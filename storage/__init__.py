"""Typed doors to `sql/`: one stub a query, one module a noun. No rules and no HTTP live here."""
