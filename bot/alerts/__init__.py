"""The alert door: who speaks, in which format, and what it says in our vocabulary.

`door` answers HTTP, `auth` checks who speaks, `formats` finds the reader of a body, one module per format reads it,
`normal` turns what was read into an `Alert`.
"""
