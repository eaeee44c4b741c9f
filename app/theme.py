"""How gradio's own parts look, as plain values; assets/style.css has the rest, built on the same few colours."""

from __future__ import annotations

# Hues of gradio's palette: one accent on warm greys.
ACCENT_HUE = "teal"
NEUTRAL_HUE = "stone"

# Fonts that gradio carries itself in these weights, so that no request leaves the machine; then those of the system.
WEIGHTS = (400, 700)
TEXT_FONT, TEXT_FALLBACK = "IBM Plex Sans", ("ui-sans-serif", "system-ui", "sans-serif")
CODE_FONT, CODE_FALLBACK = "IBM Plex Mono", ("ui-monospace", "monospace")

# Paper and ink by day and by night, under the names that gradio gives them.
COLOURS = {
    "color_accent": "#0f766e",
    "body_background_fill": "#f7f6f2",
    "body_background_fill_dark": "#131417",
    "body_text_color": "#1d1e22",
    "body_text_color_dark": "#ececee",
    "body_text_color_subdued": "#5f6067",
    "body_text_color_subdued_dark": "#a0a2ab",
    "background_fill_primary": "#ffffff",
    "background_fill_primary_dark": "#1c1d21",
    "background_fill_secondary": "#f1efe9",
    "background_fill_secondary_dark": "#24262b",
    "block_background_fill": "#ffffff",
    "block_background_fill_dark": "#1c1d21",
    "block_border_color": "#e3e0d8",
    "block_border_color_dark": "#303238",
    "block_label_background_fill": "#ffffff",
    "block_label_background_fill_dark": "#1c1d21",
    "border_color_primary": "#e3e0d8",
    "border_color_primary_dark": "#303238",
    "block_shadow": "none",
    "block_shadow_dark": "none",
    "input_background_fill": "#ffffff",
    "input_background_fill_dark": "#1c1d21",
    "input_border_color": "#cfcbc1",
    "input_border_color_dark": "#3c3f46",
    "input_border_color_focus": "#0f766e",
    "input_border_color_focus_dark": "#2dd4bf",
    "input_placeholder_color": "#77787f",
    "input_placeholder_color_dark": "#8a8c95",
    "button_primary_background_fill": "#0f766e",
    "button_primary_background_fill_dark": "#2dd4bf",
    "button_primary_background_fill_hover": "#115e59",
    "button_primary_background_fill_hover_dark": "#5eead4",
    "button_primary_text_color": "#ffffff",
    "button_primary_text_color_dark": "#04211d",
}
