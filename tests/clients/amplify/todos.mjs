// Two things that happen to an application which works offline: it syncs with a server, and it disagrees with it.
// Prints a JSON array a line. The store keeps its items in memory where there is no browser.
import { createRequire } from 'node:module';

globalThis.window = globalThis;
globalThis.addEventListener ??= () => {};
globalThis.removeEventListener ??= () => {};
globalThis.navigator ??= { onLine: true, userAgent: 'node' };
const require = createRequire(import.meta.url);
globalThis.WebSocket ??= require('ws');
const { Amplify } = require('aws-amplify');
const { DataStore, initSchema } = require('@aws-amplify/datastore');
const { Hub } = require('aws-amplify/utils');

const [endpoint, apiKey, scene] = process.argv.slice(2);
const say = (...told) => console.log(JSON.stringify(told));
Amplify.configure({ API: { GraphQL: { endpoint, region: 'us-east-1', defaultAuthMode: 'apiKey', apiKey } } });

const field = (name, type, more) => ({ name, type, isArray: false, isRequired: false, attributes: [], ...more });
const { Todo } = initSchema({
  version: '1', codegenVersion: '3.4.4', enums: {}, nonModels: {},
  models: {
    Todo: {
      name: 'Todo', pluralName: 'Todos', syncable: true, attributes: [{ type: 'model', properties: {} }],
      fields: {
        id: field('id', 'ID', { isRequired: true }),
        name: field('name', 'String', { isRequired: true }),
        n: field('n', 'Int'),
        createdAt: field('createdAt', 'AWSDateTime', { isReadOnly: true }),
        updatedAt: field('updatedAt', 'AWSDateTime', { isReadOnly: true }),
      },
    },
  },
});
DataStore.configure({
  conflictHandler: ({ modelConstructor, localModel, remoteModel, operation }) => {
    say('conflict', operation, localModel.name, remoteModel.name);
    return modelConstructor.copyOf(remoteModel, (draft) => { draft.n = localModel.n; });
  },
});

const happened = (what) => new Promise((resolve) => {
  const stop = Hub.listen('datastore', ({ payload }) => {
    if (payload.event === what) { stop(); resolve(payload.data); }
  });
});
const ask = async (query, variables) => {
  const answer = await fetch(endpoint, {
    method: 'POST',
    headers: { 'x-api-key': apiKey, 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await answer.json();
  if (errors) throw new Error(JSON.stringify(errors));
  return Object.values(data)[0];
};
const onServer = async () => (await ask('{ listTodos { items { name n _version _deleted } } }')).items;
const afterwards = async (act) => {
  const processed = happened('outboxMutationProcessed');
  const made = await act();
  await processed;
  return made;
};

const ready = happened('ready');
await DataStore.start();
await ready;
say('synced', (await DataStore.query(Todo)).map((todo) => todo.name));
const saved = await afterwards(() => DataStore.save(new Todo({ name: 'mine', n: 1 })));
say('saved', await onServer());

const update = (selection) => ask(`mutation($i: UpdateTodoInput!) { updateTodo(input: $i) { ${selection} } }`,
  { i: { id: saved.id, name: 'theirs', _version: 1 } });
if (scene === 'sync') {
  const seen = new Promise((resolve) => {
    DataStore.observe(Todo).subscribe(({ opType, element }) => element.name === 'theirs' && resolve(opType));
  });
  await update('id name n createdAt updatedAt _version _lastChangedAt _deleted');
  say('observed', await seen);
  await afterwards(async () => DataStore.save(
    Todo.copyOf(await DataStore.query(Todo, saved.id), (draft) => { draft.n = 2; })));
  say('changed', await onServer());
  await afterwards(async () => DataStore.delete(await DataStore.query(Todo, saved.id)));
  say('deleted', await onServer());
} else {
  await update('id'); // without the version, so that nobody is told of it
  await afterwards(async () => DataStore.save(
    Todo.copyOf(await DataStore.query(Todo, saved.id), (draft) => { draft.name = 'mine again'; draft.n = 3; })));
  say('resolved', await onServer());
}
process.exit(0);
