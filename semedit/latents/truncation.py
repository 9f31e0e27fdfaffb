"""The truncation of random codes (Karras et al. 2019, section 2.1): mean + psi (code - mean)."""

#: psi of samples that are shown, edited or measured edits on; 1 truncates nothing.
TRUNCATION = 0.7
