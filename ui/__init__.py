"""How it looks: status, cards, charts, time range, page frame. The only package beside `pages/` that knows Streamlit.

Pages call these with what the board and the history say; nothing here opens a socket or knows SQL.
"""
