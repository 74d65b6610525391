"""Tests of paying workers."""
