"""What is edited: regions, the layout of a code's rows, and the codes."""
