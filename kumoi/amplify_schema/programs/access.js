// Who may do this: the rules that the caller's way of authorization fits, and the owners or groups they stand for.
const MODES = {
  apiKey: 'API Key Authorization', iam: 'IAM Authorization', userPools: 'User Pool Authorization',
  oidc: 'Open ID Connect Authorization', function: 'Lambda Authorization',
};
const present = (value) => value !== null && value !== undefined;
const asList = (value) => (Array.isArray(value) ? value : present(value) ? [value] : []);

function claim(ctx, name) {
  const claims = (ctx.identity && ctx.identity.claims) || {};
  return name === 'username' ? claims.username || claims['cognito:username'] : claims[name];
}

function identities(ctx, rule) {
  const parts = rule.claim.split('::').map((name) => claim(ctx, name));
  if (!parts.every(present)) return [];
  return parts.length > 1 ? [parts.join('::'), ...parts] : asList(parts[0]);
}

function access(ctx, rules) {
  const mode = util.authType();
  const mine = rules.filter((rule) => MODES[rule.provider] === mode
    && (!rule.groups || asList(claim(ctx, rule.claim)).some((group) => rule.groups.includes(group))));
  const limits = mine.filter((rule) => rule.field).map((rule) => ({
    field: rule.field, many: rule.many, owner: rule.owner,
    values: rule.owner ? identities(ctx, rule) : asList(claim(ctx, rule.claim)),
  })).filter((limit) => limit.values.length > 0);
  const open = mine.some((rule) => !rule.field);
  if (!open && limits.length === 0) util.unauthorized();
  return { open, limits };
}

const holds = (found, item) => found.open
  || limitsOf(found, item).length > 0;
const limitsOf = (found, item) => found.limits.filter((limit) =>
  asList(item[limit.field]).some((value) => limit.values.includes(value)));

function clauses(found, ...others) {
  const made = others.filter(present);
  if (found.open) return made;
  const options = found.limits.map((limit) => limit.values.map((value) =>
    ({ [limit.field]: limit.many ? { contains: value } : { eq: value } }))).flat();
  return [...made, options.length > 1 ? { or: options } : options[0]];
}

// The rules of the fields with rules of their own that a change gives or takes away.
const protectedFields = (ctx) => Object.keys(SPEC.protected || {})
  .filter((name) => Object.keys(ctx.args.input).includes(name)).map((name) => SPEC.protected[name]);

function checkFields(ctx, item) {
  for (const rules of protectedFields(ctx)) if (!holds(access(ctx, rules), item)) util.unauthorized();
}

function joined(item, changed) {
  const made = {};
  for (const names of SPEC.composites) {
    const given = names.filter((name) => present(item[name]));
    if (given.length === names.length) made[names.join('#')] = names.map((name) => `${item[name]}`).join('#');
    else if (changed && given.length > 0) {
      util.error(`${names.join(', ')} are a key: all of them have to be given when one changes.`, 'BadRequest');
    }
  }
  return made;
}

function keyOf(item) {
  const key = { [SPEC.key[0]]: item[SPEC.key[0]] };
  const sorts = SPEC.key.slice(1);
  if (sorts.length > 0) key[sorts.join('#')] = sorts.length === 1 ? item[sorts[0]] : sorts.map((name) => `${item[name]}`).join('#');
  return key;
}

// Subscribers get what the result of a change holds, whatever they may read: so it lacks what has rules of its own.
const changed = (item) => (present(item) ? { ...item, __operation: 'Mutation' } : item);
const ofChange = (ctx) => SPEC.redacted && present(ctx.source) && ctx.source.__operation === 'Mutation';

// A relation may have rules of its own, which the item that it belongs to is judged by.
function checkRelation(ctx) {
  if (ofChange(ctx)) runtime.earlyReturn(null);
  if (SPEC.guard && !holds(access(ctx, SPEC.guard), ctx.source)) util.unauthorized();
}

// What is told of an item that was not changed: nothing, unless the caller may see it.
function failed(ctx) {
  const item = ctx.result;
  if (present(item) && !holds(access(ctx, SPEC.rules), item)) util.unauthorized();
  if (!present(item)) util.error(ctx.error.message, ctx.error.type);
  checkFields(ctx, item);
  const shown = { ...item };
  for (const name of SPEC.guarded) shown[name] = null;
  util.error(ctx.error.message, ctx.error.type, shown);
}
