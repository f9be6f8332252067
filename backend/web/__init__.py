"""HTTP: routes, pages and what guards them. The only importers of Quart beside the sandbox."""
