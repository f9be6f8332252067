"""`/api/v1`: what devices call. The contract is docs/reference/api.md."""
