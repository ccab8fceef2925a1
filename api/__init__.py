"""The HTTP API under ``/api/``: one router module per area.

Live endpoints read the board and never wait; history endpoints grant the reader a quarter of a
second. `app.create` puts the areas together, `envelope` is the shape of every answer, `problems`
of every refusal. May import everything but `ui` and `pages`; never streamlit.
"""
