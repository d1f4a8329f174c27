"""Update a Microsoft Partner Center support profile on behalf of the signed-in user.

``http_trigger`` takes the call and ``handler`` tells its story. ``entra`` and ``partner_center`` each talk to one
neighbour over ``transport``; ``operations`` is the only module that knows both.
"""

__version__ = "0.1.0"
