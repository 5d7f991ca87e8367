"""The embedded default: rules in place of a model, which keep, find and quote, and say so."""
