"""The Azure Functions app: five routes, no logic.

Import errors here leave an app with no functions at all, where every route answers 404
(docs/adr/0001-programming-model.md): so this file imports the package and nothing else.
"""

import gc

gc.disable()  # what loads stays for good: a collection in between costs time and finds next to nothing

import azure.functions as func  # noqa: E402

from update_profile import http_trigger  # noqa: E402

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
app.route(route="update_profile", methods=["GET", "POST", "PUT", "PATCH"])(http_trigger.update_profile)
app.route(route="health", methods=["GET"])(http_trigger.health)
app.route(route="openapi.json", methods=["GET"])(http_trigger.openapi)
app.route(route="approve/{file?}", methods=["GET"])(http_trigger.approve)
app.route(route="approve{mangled}/{*rest}", methods=["GET"])(http_trigger.approve_mangled)
http_trigger.prepare()

gc.freeze()  # A collection halts every call. Later ones skip what has loaded.
gc.enable()
