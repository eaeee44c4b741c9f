"""The tabs of the page, a class each: made inside its `gr.Tab`, then wired."""
