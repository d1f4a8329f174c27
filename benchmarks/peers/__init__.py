"""The programs that the function is compared with. Each one is the `function_app.py` of an app of its own.

null.py                a function that answers at once: the cost of the Functions runtime and of the harness
relay_httpx.py         the floor: body and token go on to Partner Center, unread, over a plain pooled httpx client
relay_aiohttp.py       the same over aiohttp
relay_per_call.py      the same over a new httpx client, and so a new connection, for each call
common_sample.py       the form of most samples: msal application and HTTP client are made for each call
fastapi_peer.py        FastAPI in AsgiFunctionApp, fastapi-azure-auth, azure-identity's credential kept per token,
                       one aiohttp session for all credentials
node/peer.mjs          Node.js: jose, msal-node, undici (without a Functions runtime around it)

All read the function's own settings from the environment. They trust the authorities of certifi and one more, the
sandbox's, so that to read the trust store costs what it costs in production.
"""
