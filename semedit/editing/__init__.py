"""The user's object: a model, how it is opened, and its marks; the rooms around it say what is asked of it."""
