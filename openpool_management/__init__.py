"""The money of a Livepeer orchestrator pool: reads its event log, keeps its ledger, pays."""

import sys

import py_ecc as _py_ecc  # noqa: F401

RECURSION_LIMIT = 1000
"""Python's own. JSON that is nested deeper is an error, which is held or reported."""

# py_ecc, which eth-account brings, sets it to 100,000 when it is first imported: nested JSON then
# overflows the stack and ends the process.
sys.setrecursionlimit(RECURSION_LIMIT)
