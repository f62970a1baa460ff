// aws-amplify subscribes to a GraphQL API, over wss as it always does; prints what comes of it, a JSON text a line.
import { Amplify } from 'aws-amplify';
import { generateClient, CONNECTION_STATE_CHANGE } from 'aws-amplify/api';
import { Hub } from 'aws-amplify/utils';
import WebSocket from 'ws';

const sockets = [];
globalThis.WebSocket = class extends WebSocket {
  constructor(...given) { super(...given); sockets.push(this); }
};
const [endpoint, apiKey] = process.argv.slice(2);
const say = (what) => console.log(JSON.stringify(what));
Amplify.configure({ API: { GraphQL: { endpoint, region: 'us-east-1', defaultAuthMode: 'apiKey', apiKey } } });
const client = generateClient();
Hub.listen('api', ({ payload }) => {
  if (payload.event === CONNECTION_STATE_CHANGE) say({ state: payload.data.connectionState });
});
const subscription = client
  .graphql({ query: 'subscription($room: ID) { onAdd(room: $room) { id room text } }', variables: { room: 'a' } })
  .subscribe({ next: ({ data }) => say({ data }), error: (error) => say({ error: JSON.stringify(error) }) });
process.stdin.setEncoding('utf8');
process.stdin.on('data', async (line) => {
  switch (line.trim()) {
    case 'mutate': {
      const query = 'mutation($text: String) { add(room: "a", text: $text) { id room text } }';
      const { data } = await client.graphql({ query, variables: { text: 'from Amplify' } });
      say({ mutated: data.add.text });
      break;
    }
    case 'break':
      for (const socket of sockets.splice(0)) socket.terminate();
      say({ broken: true });
      break;
    case 'stop':
      subscription.unsubscribe();
      process.exit(0);
  }
});
