"""The user's object and what stands around it: chains of edits, their effects, figures, the output folder."""
