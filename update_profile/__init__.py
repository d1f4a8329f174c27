"""Update a Microsoft Partner Center support profile on behalf of the person who asks.

The package reads top to bottom in the order data flows::

    http_trigger     azure.functions request <-> plain values
    handler          the story, told once: it alone turns an error into an answer
      request          headers, query, body -> values
        request_ids      MS-CorrelationId, MS-RequestId, delivery ids
        media_type       Content-Type and Content-Encoding
        strict_json      bytes -> JSON, without what json lets pass
      support_profile  SupportProfile: fields, limits, wire shape
        field_rules      what an Email, a Telephone, a Website may be
      callers          who calls: validated once, remembered for a while
      caller           bearer token -> Caller (tenant, user, expiry)
        token_claims     which claims make a token a user's, for us, now
        signing_keys     Entra's keys: fetched once, kept through an outage
        entra_metadata   where Entra publishes its endpoints and keys
      on_behalf_of     Caller -> Partner Center access token
        exchange_cache   one exchange per assertion, however many wait
        client_credential  what proves to Entra that it is us
        managed_identity   tokens of our managed identity
        client_certificate a certificate file -> key and certificate
        msal_http_client what msal is given to send with
        entra_answers    Entra's refusals -> errors
      operations       read, write, change, each write as a dry run
        merge            changes + stored profile -> full profile
        stored_profile   the profile as Partner Center holds it
      callers_profile  the profile as one caller reads and writes it
        retrying         trying again what heals, in the time left
        read_back        what became of a write without an answer
      partner_center   one request -> upstream answer
        upstream_answer  status, headers, body -> success or error
        upstream_text    which of its words may be passed on
        known_codes      what Partner Center's own codes mean
        claims_challenge what the user must prove at the next sign-in
        retry_after      Retry-After as servers write it -> seconds
      http_messages    one HTTP exchange as plain values
      http_client      one SSL context, a connection per call
        deadline_network every wait on the wire ends by the deadline
      response         answer | error -> status, headers, body
      call             what every step needs: ids, deadline, audit event
        deadline         when the call must be done
      audit            one record per answer
    errors           every failure: code, status, who acts, retryable
      evidence         what one occurrence can show
    settings         environment -> frozen Settings
      credential_settings  exactly one of three credentials
      setting_reader   collects what is wrong, by name
      setting_values   text -> value
    clouds           the national clouds as a table
    single_flight    one piece of work per key, however many wait
    expiring_cache   a bounded cache in which each entry has an end
    service          what lives from call to call, built once
"""

__version__ = "0.1.0"
