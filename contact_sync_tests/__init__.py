"""The tests of contact_sync.

`unit` mirrors the package; `contracts` holds what every implementation of a port and the whole repository must obey;
`properties` are generated cases; `golden` compares with reviewed files; `pipeline` runs the whole graph; `faults`
breaks things on purpose; `browser` looks at the page.
"""
