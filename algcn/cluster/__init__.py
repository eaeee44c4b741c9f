"""Many machines: what the library does on other people's engines. Nothing here is imported unless a command asks."""
