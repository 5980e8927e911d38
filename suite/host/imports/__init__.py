"""Who imports what, read from the sources: nothing is imported to find out."""
