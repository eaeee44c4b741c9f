"""The look of gradio's own parts as plain values; assets/page/style.css has the rest, built on the same few colours."""

from __future__ import annotations

from collections.abc import Iterable

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
    # Names of controls, also where they stand on the paper without a sheet behind them.
    "block_title_text_color": "#5f6067",
    "block_title_text_color_dark": "#a0a2ab",
    "block_info_text_color": "#5f6067",
    "block_info_text_color_dark": "#a0a2ab",
    "block_label_text_color": "#5f6067",
    "block_label_text_color_dark": "#a0a2ab",
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

# Colours for groups of labels, told apart by every kind of colour vision (Okabe and Ito's, then Tol's "muted"), in the
# order in which groups appear; readable on paper and in the dark. There is always a legend or a name beside a colour.
GROUP_COLOURS = (
    "#0072b2",
    "#d55e00",
    "#009e73",
    "#cc79a7",
    "#e69f00",
    "#56b4e9",
    "#882255",
    "#999933",
    "#8b7fd9",
    "#8c6d4f",
    "#6b7280",
)
# For matrices and changes: from nothing to much, and from less (brown) over nothing to more (teal).
SEQUENTIAL = ((0.0, "#f1efe9"), (0.35, "#9fd0c8"), (0.7, "#2a8f86"), (1.0, "#0b4f4a"))
SEQUENTIAL_DARK = ((0.0, "#1c1d21"), (0.35, "#16524c"), (0.7, "#1fa394"), (1.0, "#a7f3e8"))
DIVERGING = ((0.0, "#8c510a"), (0.25, "#d8b365"), (0.5, "#f5f5f2"), (0.75, "#5ab4ac"), (1.0, "#01665e"))
DIVERGING_DARK = ((0.0, "#e0a458"), (0.25, "#7a5320"), (0.5, "#24262b"), (0.75, "#1f7a70"), (1.0, "#5eead4"))


def group_colours(groups: Iterable[str]) -> dict[str, str]:
    """Choose a colour for each group, by first appearance; beyond eleven they repeat."""
    return {group: GROUP_COLOURS[position % len(GROUP_COLOURS)] for position, group in enumerate(dict.fromkeys(groups))}
