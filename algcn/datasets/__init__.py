"""The data that ALGCN learns from and is measured on: image folders, feature files, benchmarks and their splits."""
