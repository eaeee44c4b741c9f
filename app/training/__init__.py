"""Train ALGCN in the page while somebody watches."""
