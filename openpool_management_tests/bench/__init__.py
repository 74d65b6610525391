"""Measurements of the main job, as ratios within one run."""
