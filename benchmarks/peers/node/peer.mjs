// The same task on Node.js, with what its users would take: jose validates the token with kept keys, one msal-node
// application keeps the exchanged tokens, undici keeps the connections. No Functions runtime is around it.
//
// Reads commands as lines of JSON and answers each with one line, as benchmarks/subject.py does.
import { createInterface } from "node:readline";
import { ConfidentialClientApplication } from "@azure/msal-node";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { Agent, request } from "undici";

const { ENTRA_CLIENT_ID, ENTRA_CLIENT_SECRET, ENTRA_AUTHORITY_HOST, ENTRA_ALLOWED_TENANTS, PARTNER_CENTER_BASE_URL } =
  process.env;
const tenant = ENTRA_ALLOWED_TENANTS.split(",")[0];
const scopes = ["https://api.partnercenter.microsoft.com/user_impersonation"];
const agent = new Agent({ connections: 100 });
const keys = createRemoteJWKSet(new URL(`${ENTRA_AUTHORITY_HOST}/${tenant}/discovery/v2.0/keys`));
const application = new ConfidentialClientApplication({
  auth: {
    clientId: ENTRA_CLIENT_ID,
    clientSecret: ENTRA_CLIENT_SECRET,
    authority: `${ENTRA_AUTHORITY_HOST}/${tenant}`,
    knownAuthorities: [new URL(ENTRA_AUTHORITY_HOST).host],
  },
});

async function updateProfile({ authorization, body }) {
  const token = authorization.slice("Bearer ".length);
  const issuer = `${ENTRA_AUTHORITY_HOST}/${tenant}/v2.0`;
  const { payload } = await jwtVerify(token, keys, { issuer, audience: ENTRA_CLIENT_ID, algorithms: ["RS256"] });
  if (!payload.scp?.split(" ").includes("user_impersonation")) return { status: 403, body: "" };
  const profile = JSON.parse(body);
  for (const name of ["Email", "Telephone", "Website"]) {
    if (typeof profile[name] !== "string") return { status: 422, body: "" };
  }
  const { accessToken } = await application.acquireTokenOnBehalfOf({ oboAssertion: token, scopes });
  const answer = await request(`${PARTNER_CENTER_BASE_URL}/v1/profiles/supportprofile`, {
    method: "PUT",
    dispatcher: agent,
    headers: { authorization: `Bearer ${accessToken}`, "content-type": "application/json" },
    body: JSON.stringify(profile),
  });
  return { status: answer.statusCode, body: await answer.body.text() };
}

async function call(token, body) {
  try {
    return await updateProfile({ authorization: `Bearer ${token}`, body });
  } catch (error) {
    return { status: 500, body: String(error) };
  }
}

const commands = {
  async calls({ tokens, count, in_flight: inFlight, body }) {
    const before = process.cpuUsage();
    const startedAt = performance.now();
    const milliseconds = [];
    const statuses = {};
    let next = 0;
    let sample = null;
    async function worker() {
      while (next < count) {
        const begun = performance.now();
        const answer = await call(tokens[next++ % tokens.length], body);
        milliseconds.push(performance.now() - begun);
        statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
        if (answer.status !== 200) sample = answer.body;
      }
    }
    await Promise.all(Array.from({ length: inFlight }, worker));
    const seconds = (performance.now() - startedAt) / 1000;
    const { user, system } = process.cpuUsage(before);
    return { cpu_seconds: (user + system) / 1e6, seconds, milliseconds, statuses, sample };
  },
  // Collects garbage first, as benchmarks/held.py does. Needs node --expose-gc.
  async held() {
    globalThis.gc();
    return { mebibytes: process.memoryUsage.rss() / 2 ** 20 };
  },
};

if (process.argv[2] === "once") {
  const { status } = await call(process.env.BENCH_TOKEN, process.env.BENCH_BODY);
  console.log(JSON.stringify({ status }));
  process.exit(0);
}
console.log(JSON.stringify({ ready: true }));
for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...options } = JSON.parse(line);
  console.log(JSON.stringify(await commands[command](options)));
}
process.exit(0);
