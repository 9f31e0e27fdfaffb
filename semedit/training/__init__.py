"""Training: losses, the GAN step and loop, recipes; and the supervised training of domain networks."""
