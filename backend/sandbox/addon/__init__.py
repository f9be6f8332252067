"""A host for a Workspace add-on over HTTP: what Gmail does with one, beside the sandbox's webmail."""
