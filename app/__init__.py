"""The demo: a page and an API over a bundle and a gallery; only interface.py, tabs/ and components/ import gradio."""
