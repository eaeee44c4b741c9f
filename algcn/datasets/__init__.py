"""What ALGCN learns from and is measured on: image folders, feature files, generated scenes."""
