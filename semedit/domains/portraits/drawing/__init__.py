"""The painters of portraits: canvas, head, face, hair, what is worn, and the renderer that calls them."""
