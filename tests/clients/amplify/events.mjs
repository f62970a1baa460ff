// aws-amplify's client for AppSync Events: connects, subscribes, publishes both ways; prints a JSON text a line.
import { Amplify } from 'aws-amplify';
import { events } from 'aws-amplify/data';
import WebSocket from 'ws';

globalThis.WebSocket = WebSocket;
const [endpoint, apiKey] = process.argv.slice(2);
const say = (what) => console.log(JSON.stringify(what));
Amplify.configure({ API: { Events: { endpoint, region: 'us-east-1', defaultAuthMode: 'apiKey', apiKey } } });
const channel = await events.connect('/chat/rooms/7');
let left = 2;
const subscription = channel.subscribe({
  next: (message) => {
    say({ event: message.event });
    if (--left === 0) { channel.close(); process.exit(0); }
  },
  error: (error) => say({ error: JSON.stringify(error) }),
});
await subscription.ready;
await events.post('/chat/rooms/7', { text: 'over HTTP' });
await channel.publish({ text: 'over the WebSocket' });
say({ published: true });
