// Where the API and its users are, and what is stored: Amplify's libraries, configured for the platform.
import { Amplify } from 'aws-amplify';
import { DataStore, initSchema } from 'aws-amplify/datastore';
import { parseAmplifyConfig } from 'aws-amplify/utils';

const field = (name, type, more) => ({ name, type, isArray: false, isRequired: true, attributes: [], ...more });

export const { Message } = initSchema({
  version: 'chat',
  codegenVersion: '3.4.4',
  enums: {},
  nonModels: {},
  models: {
    Message: {
      name: 'Message',
      pluralName: 'Messages',
      syncable: true,
      attributes: [{ type: 'model', properties: {} }],
      fields: {
        id: field('id', 'ID'),
        from: field('from', 'String'),
        text: field('text', 'String'),
        at: field('at', 'AWSDateTime'),
        reactions: field('reactions', 'AWSJSON', { isRequired: false }),
      },
    },
  },
});

/** Read amplify_outputs.json, which `kumoi graphql new` wrote. */
export async function configure() {
  const outputs = await (await fetch('amplify_outputs.json')).json();
  const config = parseAmplifyConfig(outputs);
  config.Auth.Cognito.userPoolEndpoint = outputs.custom.kumoi_endpoint;
  Amplify.configure(config);
}

/** Everything that was said, in order: now, and again after each change, from here or elsewhere. */
export const watchMessages = (show) =>
  DataStore.observeQuery(Message, undefined, { sort: (message) => message.at('ASCENDING') })
    .subscribe(({ items }) => show(items));

export const say = (from, text) =>
  DataStore.save(new Message({ from, text, at: new Date().toISOString(), reactions: JSON.stringify({}) }));

export const reactionsOf = ({ reactions }) =>
  (typeof reactions === 'string' ? JSON.parse(reactions) : reactions) ?? {};

export const react = (message, from, sign) =>
  DataStore.save(Message.copyOf(message, (draft) => {
    draft.reactions = JSON.stringify({ ...reactionsOf(message), [from]: sign });
  }));

/** Forget what this browser stored, so that the next person does not find it. */
export const forget = () => DataStore.clear();
