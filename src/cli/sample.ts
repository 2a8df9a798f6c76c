/** What `hedgerow init` writes. It serves as it is, and with every setting in it switched on. */
export const SAMPLE = `# Hedgerow's configuration. \`hedgerow check\` says what is wrong with it, \`hedgerow schema\` prints its JSON Schema
# for editors, and a running Hedgerow reads it again when it changes.
#
# Any value may hold \${NAME} or \${NAME:-default} from the environment; $$ is a plain $.
# Times are written 250ms, 3s, 5m, 2h, sizes 64KiB or 32MiB, shares 10%.
# A line like "#key: value" is a setting that is switched off: take the # away there and in the lines that belong to it.

server:
  host: 127.0.0.1 # beyond this machine it needs clients, below
  port: 8787
  #max_body: 32MiB
  #drain: 30s # how long running answers may go on at shutdown

# With a token, /admin also answers others than this machine.
#admin:
#  token: \${HEDGEROW_ADMIN_TOKEN:-change-me-admin}

# Who may use it. Each has a key of its own; the providers' keys stay here. Without clients no key is asked for.
#clients:
#  - name: alice
#    key: \${ALICE_KEY:-change-me-alice}
#    groups: [default]
#    limits: {sessions: 4, requests: 0, rpm: 120} # 0 = no limit

# Sessions keep to the provider that knows them, and count there.
sessions:
  ttl: 5m # how long after its last answer
  #wait: 20s # wait for a slot when all are taken, instead of answering 429 at once
  # For several instances that share the limits:
  #store: redis
  #redis:
  #  url: redis://127.0.0.1:6379/0
  #  when_down: share

# What holds for all providers; each may say otherwise.
defaults:
  timeouts:
    first_token: 60s # a stream without content by then is given up, and another provider asked
    idle: 120s
  hedge:
    after: auto # when a stream is late, ask a second provider beside it; off, or a time like 8s
    budget: 10% # at most so many more requests
  #breaker: {failures: 5, open: 30s, successes: 2}
  #retry: {providers: 3, same: 1}

# The upstream accounts, the lowest priority number first. One without any key passes on the client's own, which works
# only as long as there are no clients.
providers:
  - name: anthropic
    protocols: [anthropic]
    base_url: https://api.anthropic.com
    #api_key: \${ANTHROPIC_API_KEY:-change-me-anthropic}
    #limits: {sessions: 10} # concurrent sessions that the account takes

  - name: openai
    protocols: [openai-chat, openai-responses]
    base_url: https://api.openai.com
    #api_keys: ["\${OPENAI_KEY_1:-change-me-1}", "\${OPENAI_KEY_2:-change-me-2}"] # in turn

  - name: google
    protocols: [gemini]
    base_url: https://generativelanguage.googleapis.com
    #api_key: \${GEMINI_API_KEY:-change-me-gemini}

  # A relay that stands in for Anthropic, for some models only.
  #- name: relay
  #  protocols: [anthropic]
  #  base_url: https://relay.example/api
  #  api_key: \${RELAY_KEY:-change-me-relay}
  #  auth: bearer
  #  priority: 1 # asked after those with 0
  #  weight: 2
  #  models: ["claude-*"]
  #  model_map: {"claude-sonnet-*": relay-sonnet}
  #  headers: {x-relay-team: a-team}
  #  active: "20:00-08:00"
  #  tz: Europe/Vienna
  #  timeouts: {first_token: 30s}

log:
  level: info
  format: auto # pretty on a terminal, else JSON
`;
