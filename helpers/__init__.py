"""What every lab shares: the data (`helpers.data`), figures (`helpers.plotting`), a quiet start."""
