"""ALGCN trained while somebody watches."""
