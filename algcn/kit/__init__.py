"""What any program needs and nothing of ALGCN: the folder that is cached in."""
