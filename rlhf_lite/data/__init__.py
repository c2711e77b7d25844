"""Prompts, demonstrations and rankings as rows; the paper's data pipeline; where rows come from."""
