"""Local stand-ins for everything the function talks to or runs in, over real TLS.

sandbox.py          Entra ID and Partner Center together: `with Sandbox() as sandbox`
entra/              the stand-in of Entra ID; errors.py has its refusals      python -m sandbox.entra
partner_center/     the stand-in of Partner Center; answers.py has its answers      python -m sandbox.partner_center
stand_in.py         what the two share: server, journal, script, control API (control.py)
script.py           Answer: anything a server can do to a client; rules.py says which request gets it
journal.py          what they were asked
http_server.py      HTTP/1.1 over TLS on sockets; http_request.py reads, wire_faults.py writes
background_loop.py  the thread they run in
certificates.py     the certificate authority, made at run time
tokens.py, users.py tokens good and bad; alice, bob and carol
demo.py, serve.py   the function among all of them: `make demo`, `make serve` (local_function.py, narration.py)
functions_host.py   the Functions host's behaviour over the real worker library (host_*.py, worker.py)
"""

from .journal import Entry, Journal
from .sandbox import Sandbox
from .script import Answer, Fault

__all__ = ["Answer", "Entry", "Fault", "Journal", "Sandbox"]
