"""Training of the portraits domain's own networks on drawn portraits."""
