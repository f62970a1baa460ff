// One form with three faces: sign in, create an account, confirm it with the code that was sent.
import { confirmSignUp, fetchUserAttributes, signIn, signUp } from 'aws-amplify/auth';

const form = document.querySelector('#account');
const problem = document.querySelector('#problem');

/** The e-mail address of who is signed in, or undefined. */
export const whoIsIn = () => fetchUserAttributes().then(({ email }) => email, () => undefined);

/** Have somebody sign in. */
export function askWho(entered) {
  face('in');
  document.querySelectorAll('[data-face]').forEach((link) => {
    link.onclick = () => face(link.dataset.face);
  });
  form.onsubmit = async (event) => {
    event.preventDefault();
    problem.textContent = '';
    form.inert = true;
    try {
      await step(new FormData(form), entered);
    } catch (error) {
      problem.textContent = error.message;
    }
    form.inert = false;
  };
}

async function step(given, entered) {
  const [username, password] = [given.get('email'), given.get('password')];
  if (form.className === 'up') {
    await signUp({ username, password, options: { userAttributes: { email: username } } });
    face('confirm');
    return;
  }
  if (form.className === 'confirm') await confirmSignUp({ username, confirmationCode: given.get('code') });
  const { nextStep } = await signIn({ username, password });
  if (nextStep.signInStep === 'CONFIRM_SIGN_UP') face('confirm');
  else await entered(username);
}

function face(name) {
  form.className = name;
  form.code.required = name === 'confirm';
  form.querySelector('button').textContent = { in: 'Sign in', up: 'Create account', confirm: 'Confirm' }[name];
}
