// The page: a Google button, and once somebody is in, what the API says of them.
import { Amplify } from 'aws-amplify';
import { fetchAuthSession, signInWithRedirect, signOut } from 'aws-amplify/auth';
import { Hub } from 'aws-amplify/utils';
import 'aws-amplify/auth/enable-oauth-listener';

const [who, enter, leave] = ['#who', '#in', '#out'].map((name) => document.querySelector(name));
const config = await (await fetch('config.json')).json();
const site = `${location.origin}/`;

function show(text, isIn) {
  who.textContent = text;
  enter.hidden = isIn;
  leave.hidden = !isIn;
}

/** What the API says of whoever is signed in. */
async function greet() {
  const { tokens } = await fetchAuthSession();
  if (!tokens) return show('You are not signed in.', false);
  const answer = await fetch(config.api, { headers: { authorization: tokens.idToken.toString() } });
  const { name, email, groups } = await answer.json();
  show(`${name ?? 'Somebody'} <${email}>, of ${groups.map((one) => one.split('_').pop()).join(', ')}`, true);
}

Hub.listen('auth', ({ payload }) => {
  if (payload.event === 'signInWithRedirect') greet();
  if (payload.event === 'signInWithRedirect_failure') show(payload.data.error.message, false);
});
Amplify.configure({
  Auth: {
    Cognito: {
      userPoolId: config.userPoolId,
      userPoolClientId: config.userPoolClientId,
      userPoolEndpoint: config.endpoint,
      loginWith: {
        oauth: {
          domain: config.domain,
          scopes: ['openid', 'email', 'profile', 'aws.cognito.signin.user.admin'],
          redirectSignIn: [site],
          redirectSignOut: [site],
          responseType: 'code',
        },
      },
    },
  },
});
enter.onclick = () => signInWithRedirect({ provider: 'Google' });
leave.onclick = () => signOut();
if (!new URLSearchParams(location.search).has('code')) await greet();
