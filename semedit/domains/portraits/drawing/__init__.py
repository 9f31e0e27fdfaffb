"""The painters of portraits: the sheet, canvas and head, skin, face, hair, what is worn, and the renderer."""
