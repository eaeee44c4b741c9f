"""Who came, what they opened, their files, and the addresses that a browser fetches."""
