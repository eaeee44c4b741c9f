"""One module for each tab; each has a `build` that is called inside `gr.Tab`."""
