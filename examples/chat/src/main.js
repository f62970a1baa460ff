// The page: who is in sees what was said, says something, and reacts; also while there is no network.
import { signOut } from 'aws-amplify/auth';
import { askWho, whoIsIn } from './account.js';
import { configure, forget, react, reactionsOf, say, watchMessages } from './backend.js';

const SIGNS = ['♥', '☺', '✓'];
const room = document.querySelector('#room');
const list = document.querySelector('#messages');
const nameOf = (email) => email.split('@')[0];

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function shown(message, me) {
  const given = Object.entries(reactionsOf(message));
  const buttons = SIGNS.map((sign) => {
    const who = given.filter(([, one]) => one === sign).map(([name]) => name);
    const title = who.join(', ') || 'nobody yet';
    const text = who.length ? `${sign} ${who.length}` : sign;
    return element('button', { title, textContent: text, className: who.length ? 'given' : '', onclick: () => react(message, me, sign) });
  });
  const at = element('time', { textContent: new Date(message.at).toLocaleTimeString([], { timeStyle: 'short' }) });
  return element(
    'li',
    { className: message.from === me ? 'mine' : '' },
    element('b', { textContent: message.from }), at,
    element('p', { textContent: message.text }),
    element('div', {}, ...buttons),
  );
}

function enter(email) {
  const me = nameOf(email);
  document.querySelector('#who').textContent = me;
  document.body.className = 'in';
  watchMessages((messages) => {
    list.replaceChildren(...messages.map((message) => shown(message, me)));
    list.lastElementChild?.scrollIntoView();
  });
  room.onsubmit = async (event) => {
    event.preventDefault();
    const text = room.text.value.trim();
    room.reset();
    if (text) await say(me, text);
  };
  document.querySelector('#leave').onclick = async () => {
    await forget();
    await signOut();
    location.reload();
  };
}

const network = () => document.body.toggleAttribute('data-offline', !navigator.onLine);
addEventListener('online', network);
addEventListener('offline', network);
network();
await configure();
const email = await whoIsIn();
if (email) enter(email);
else askWho(enter);
