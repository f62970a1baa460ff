// Prints what the audits of the specification "GraphQL over HTTP" say of a server: audit.js URL API_KEY.
import { serverAudits } from 'graphql-http';

const [url, key] = process.argv.slice(2);
const fetchFn = (input, init = {}) => fetch(input, { ...init, headers: { ...init.headers, 'x-api-key': key } });
const results = [];
for (const audit of serverAudits({ url, fetchFn })) {
  const { status, reason } = await audit.fn();
  results.push({ name: audit.name, status, reason: reason ?? '' });
}
console.log(JSON.stringify(results));
