// One who chats: prints what was said and what others say in a room, and says each line of its input.
//
//     node client.mjs ENDPOINT API_KEY ROOM NAME
import { createInterface } from 'node:readline';
import { Amplify } from 'aws-amplify';
import { CONNECTION_STATE_CHANGE, ConnectionState, generateClient } from 'aws-amplify/api';
import { Hub } from 'aws-amplify/utils';
import WebSocket from 'ws';

globalThis.WebSocket ??= WebSocket;
const [endpoint, apiKey, room, name] = process.argv.slice(2);
Amplify.configure({ API: { GraphQL: { endpoint, region: 'us-east-1', defaultAuthMode: 'apiKey', apiKey } } });
const client = generateClient();
const show = ({ from, text }) => console.log(`${from}: ${text}`);

const listening = new Promise((resolve) => {
  Hub.listen('api', ({ payload }) => {
    const connected = payload.data?.connectionState === ConnectionState.Connected;
    if (payload.event === CONNECTION_STATE_CHANGE && connected) resolve();
  });
});
client
  .graphql({
    query: `subscription($room: ID!, $name: String) {
      heard(room: $room, notFrom: $name) { from text }
    }`,
    variables: { room, name },
  })
  .subscribe({ next: ({ data }) => show(data.heard), error: (error) => console.error(error) });
await listening;
const { data } = await client.graphql({
  query: 'query($room: ID!) { messages(room: $room) { from text } }',
  variables: { room },
});
data.messages.forEach(show);
console.log(`— ${name} is in ${room}`);

for await (const text of createInterface({ input: process.stdin })) {
  try {
    await client.graphql({
      // Who listens gets what is selected here.
      query: `mutation($room: ID!, $name: String!, $text: String!) {
        say(room: $room, from: $name, text: $text) { room id from text at }
      }`,
      variables: { room, name, text },
    });
  } catch ({ errors }) {
    console.log(`— ${errors[0].message}`);
  }
}
process.exit(0);
