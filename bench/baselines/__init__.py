"""The same work written other ways, to be measured beside ours."""
