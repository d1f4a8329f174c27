"""Entra ID and Partner Center for benchmarks: the sandbox's answers, in a process of their own, behind a lean server.

worlds.py        the sandbox's two stand-ins with as many users as wanted; a cheaper check of signatures
lean_server.py   HTTP/1.1 over TLS on asyncio's protocols: a fraction of the cost of the sandbox's own server
relay.py         a TCP relay that delays everything, the handshake included
surplus.py       answers that nobody asked for, at four moments
__main__.py      the process: commands as lines of JSON
"""
