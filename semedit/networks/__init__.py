"""What makes pictures and looks at them, as modules that get built parts and plain numbers."""
