// A page of items: all of them, those of a key or index, or for a relation those that refer to the item at hand.
function sorted(ctx, values) {
  const sorts = SPEC.sorts, name = sorts.join('#');
  if (sorts.length === 0) return {};
  const known = values.slice(1);
  if (known.length > 0) {
    const text = known.join('#');
    return { [name]: known.length < sorts.length ? { beginsWith: `${text}#` } : { eq: sorts.length === 1 ? known[0] : text } };
  }
  const given = ctx.args[SPEC.sortArgument];
  if (!present(given)) return {};
  const operator = Object.keys(given).find((one) => present(given[one]));
  if (!operator) return {};
  const text = (one) => (sorts.length === 1 ? one
    : sorts.map((sort) => one[sort]).filter(present).map((part) => `${part}`).join('#'));
  return { [name]: { [operator]: operator === 'between' ? given[operator].map(text) : text(given[operator]) } };
}

export function request(ctx) {
  const { filter, limit, nextToken, sortDirection } = ctx.args;
  checkRelation(ctx);
  const wanted = clauses(access(ctx, SPEC.rules), filter);
  const asked = { limit: limit || SPEC.limit };
  if (nextToken) asked.nextToken = nextToken;
  if (wanted.length > 0) asked.filter = { and: wanted };
  if (SPEC.catchesUp) {
    if (present(ctx.args.lastSync)) asked.lastSync = ctx.args.lastSync;
    return ddb.sync(asked);
  }
  const values = SPEC.source ? SPEC.source.map((name) => ctx.source[name]) : [ctx.args[SPEC.partition]];
  if (SPEC.source && !values.every(present)) runtime.earlyReturn(SPEC.one ? null : { items: [], nextToken: null });
  if (!SPEC.partition || !present(values[0])) {
    if (sortDirection) util.error(`sortDirection needs ${SPEC.partition}.`, 'InvalidArgumentsError');
    return ddb.scan(asked);
  }
  asked.query = { [SPEC.partition]: { eq: values[0] }, ...sorted(ctx, values) };
  if (SPEC.index) asked.index = SPEC.index;
  asked.scanIndexForward = sortDirection !== 'DESC';
  return ddb.query(asked);
}

export function response(ctx) {
  if (ctx.error) util.error(ctx.error.message, ctx.error.type);
  return SPEC.one ? (ctx.result.items[0] || null) : ctx.result;
}
