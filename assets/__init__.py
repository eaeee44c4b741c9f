"""What the project ships beside its code, and `assets.postcards`, the program that drew the bundled gallery."""
