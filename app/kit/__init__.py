"""Parts that all tabs share and that know no tab: jobs, limits, pictures, theme, words."""
