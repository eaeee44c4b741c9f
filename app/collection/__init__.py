"""A visitor's collection: pictures that they brought, searched like a gallery."""
