"""HTTP: routes, pages and their guards. Only this package and the sandbox import Quart."""
