"""Forms: how entities print, one module per domain.

An object has several: that of responses (codes as text, ``...Str`` members), the entity form of the older events (codes
as numbers), the coded form (codes as text, audit members unset), and slim ones of the newer events.
"""
