"""What every training run does: batches, seeded steps, logs, states, processes."""
