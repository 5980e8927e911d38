"""Several studies as one: stages with grids, and values that later stages take from earlier ones."""
