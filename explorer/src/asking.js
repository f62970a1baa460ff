// Asking the API: queries and mutations by HTTP, subscriptions by AppSync's WebSocket protocol; signing in at Cognito.

function headers({ mode, secret }) {
  if (!secret) return {};
  return mode === 'API_KEY' ? { 'x-api-key': secret } : { authorization: secret };
}

export function fetcher(api, given) {
  const path = `/graphql/${encodeURIComponent(api)}`;
  return async (asked, options) => {
    const kind = options?.documentAST?.definitions.find(
      (one) => one.kind === 'OperationDefinition' && (!asked.operationName || one.name?.value === asked.operationName),
    )?.operation;
    if (kind === 'subscription') return subscription(path, asked, given);
    const answer = await fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers(given), ...options?.headers },
      body: JSON.stringify(asked),
    });
    return answer.json();
  };
}

// The messages of a subscription, until whoever reads them stops.
function subscription(path, asked, given) {
  const authorization = { host: location.host };
  for (const [name, value] of Object.entries(headers(given))) {
    authorization[name === 'authorization' ? 'Authorization' : name] = value;
  }
  const encoded = btoa(JSON.stringify(authorization)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
  const socket = new WebSocket(`${scheme}://${location.host}${path}/realtime`, ['graphql-ws', `header-${encoded}`]);
  const waiting = [];
  let wake = () => {};
  const push = (item) => { waiting.push(item); wake(); };
  const start = {
    id: '1',
    type: 'start',
    payload: {
      data: JSON.stringify({ query: asked.query, variables: asked.variables ?? {} }),
      extensions: { authorization },
    },
  };
  socket.onopen = () => socket.send(JSON.stringify({ type: 'connection_init' }));
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    if (message.type === 'connection_ack') socket.send(JSON.stringify(start));
    else if (message.type === 'data') push({ value: message.payload, done: false });
    else if (message.type === 'error' || message.type === 'connection_error') {
      push({ value: message.payload, done: false });
      socket.close();
    } else if (message.type === 'complete') socket.close();
  };
  socket.onerror = () => push({ value: { errors: [{ message: 'The connection failed.' }] }, done: false });
  socket.onclose = () => push({ value: undefined, done: true });
  return {
    [Symbol.asyncIterator]() { return this; },
    async next() {
      while (waiting.length === 0) await new Promise((resolve) => { wake = resolve; });
      return waiting.shift();
    },
    async return() {
      socket.close();
      return { value: undefined, done: true };
    },
  };
}

// The id token of a user, by name and password.
export async function signIn(client, name, password) {
  const answer = await fetch('/', {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'AWSCognitoIdentityProviderService.InitiateAuth',
    },
    body: JSON.stringify({
      ClientId: client,
      AuthFlow: 'USER_PASSWORD_AUTH',
      AuthParameters: { USERNAME: name, PASSWORD: password },
    }),
  });
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.message ?? told.__type);
  if (!told.AuthenticationResult) throw new Error(`${told.ChallengeName} has to be answered first.`);
  return told.AuthenticationResult.IdToken;
}
