"""The judge: runs scenarios against connection pools, keeps the trace, and compares it with what the documents promise."""

VERSION = "0.1.0"
