"""What all tabs share and knows no tab: jobs, limits, pictures, theme, words."""
