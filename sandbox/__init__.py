"""Local stand-ins for every service that the function calls and for the host that it runs in, over real TLS.

sandbox.py          Entra ID and Partner Center together: `with Sandbox() as sandbox`
entra/              the stand-in for Entra ID; errors.py has its refusals      python -m sandbox.entra
                    sign_in.py has its pages, applications.py who may ask, bad_tokens.py tokens with a fault
person.py           somebody who signs in on these pages, without a browser
partner_center/     the stand-in for Partner Center; answers.py has its answers      python -m sandbox.partner_center
stand_in.py         what all stand-ins share: server, journal, script, control API (control.py)
script.py           Answer: anything that a server can send to a client; rules.py selects the request that gets it
journal.py          the requests that a stand-in received
http_server.py      HTTP/1.1 over TLS on sockets; http_request.py reads, wire_faults.py writes
background_loop.py  the thread that the stand-ins run in
certificates.py     the certificate authority, created at run time
tokens.py, users.py valid and invalid tokens; the users alice, bob and carol
caller.py           a caller's program, which signs such a person in with MSAL
demo.py, serve.py   the function with all stand-ins: `make demo`, `make serve` (local_function.py, narration.py)
functions_host.py   the Functions host's behaviour on top of the real worker library (host_*.py, worker.py)
"""

from .journal import Entry, Journal
from .sandbox import Sandbox
from .script import Answer, Fault

__all__ = ["Answer", "Entry", "Fault", "Journal", "Sandbox"]
