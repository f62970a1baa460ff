// The explorer of one API: GraphiQL, with the ways of authorization that the API has.
import { useMemo, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { GraphiQL } from 'graphiql';
import 'graphiql/style.css';
import './explorer.css';
import { fetcher, signIn } from './asking.js';

const api = decodeURIComponent(location.pathname.split('/')[3]);
const MODES = {
  API_KEY: 'API key',
  AMAZON_COGNITO_USER_POOLS: 'User',
  OPENID_CONNECT: 'Token',
  AWS_LAMBDA: 'Token',
};

function Access({ access, onChange }) {
  const modes = access.modes.filter((mode) => MODES[mode]);
  const [mode, setMode] = useState(modes[0] ?? '');
  const [secret, setSecret] = useState(access.keys[0]?.id ?? '');
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const [told, setTold] = useState('');
  const use = (kind, value) => onChange({ mode: kind, secret: value });
  const choose = (event) => {
    setMode(event.target.value);
    setTold('');
    use(event.target.value, event.target.value === 'API_KEY' ? secret : '');
  };
  const enter = async (event) => {
    event.preventDefault();
    try {
      use(mode, await signIn(access.client, name, password));
      setTold(`signed in as ${name}`);
    } catch (error) {
      setTold(error.message);
    }
  };
  return (
    <header className="kumoi-access">
      <strong>{access.name}</strong>
      <select value={mode} onChange={choose} aria-label="Authorization">
        {modes.map((one) => <option key={one} value={one}>{MODES[one]}</option>)}
      </select>
      {mode === 'API_KEY' && (
        <input
          aria-label="API key" list="keys" value={secret} placeholder="API key"
          onChange={(event) => { setSecret(event.target.value); use(mode, event.target.value); }}
        />
      )}
      <datalist id="keys">{access.keys.map((key) => <option key={key.id} value={key.id} />)}</datalist>
      {mode === 'AMAZON_COGNITO_USER_POOLS' && access.client && (
        <form onSubmit={enter}>
          <input aria-label="User" placeholder="user" value={name} onChange={(event) => setName(event.target.value)} />
          <input
            aria-label="Password" type="password" placeholder="password" value={password}
            onChange={(event) => setPassword(event.target.value)}
          />
          <button type="submit">Sign in</button>
        </form>
      )}
      {mode !== 'API_KEY' && (
        <input aria-label="Token" placeholder="or a token" onChange={(event) => use(mode, event.target.value)} />
      )}
      {access.modes.includes('AWS_IAM') && <span>IAM: sign requests with an SDK</span>}
      <output>{told}</output>
    </header>
  );
}

function Explorer({ access }) {
  const [given, setGiven] = useState({ mode: access.modes[0], secret: access.keys[0]?.id ?? '' });
  const fetch = useMemo(() => fetcher(api, given), [given]);
  return (
    <>
      <Access access={access} onChange={setGiven} />
      <GraphiQL fetcher={fetch} key={given.mode} defaultQuery={"{ __typename }\n"} />
    </>
  );
}

const root = createRoot(document.getElementById('explorer'));
const answer = await fetch(`/_kumoi/appsync-access/${encodeURIComponent(api)}`);
const access = await answer.json();
if (answer.ok) {
  document.title = `${access.name} · GraphQL explorer`;
  root.render(<Explorer access={access} />);
} else {
  root.render(<p className="kumoi-refused">{access.message}</p>);
}
