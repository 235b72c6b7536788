"""Writes the client's typed namespaces from the service contracts, and holds contracts against services.

The way of a contract: `plan` (what is to be written) > `lint` (what is refused) > `render` (text) > `emit`
(compare with, or swap, the directory). Beside it: `schema` and `surface` (what a contract and an OpenAPI
document say, in the same terms), `drift` (where they differ), `sources` (where they come from). Only
`sources` and `emit` do I/O. A development tool: it is in no wheel.
"""
