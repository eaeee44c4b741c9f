"""Parts of the page that gradio does not have."""
