export function request(ctx) {
  const { input, condition } = ctx.args;
  const found = access(ctx, SPEC.rules);
  const now = util.time.nowISO8601();
  const item = { __typename: SPEC.model, ...SPEC.defaults };
  if (SPEC.generates) item.id = util.autoId();
  for (const name of SPEC.times) item[name] = now;
  for (const name of Object.keys(input)) if (present(input[name]) && name !== '_version') item[name] = input[name];
  for (const limit of found.limits) {
    if (limit.owner && !present(item[limit.field])) item[limit.field] = limit.many ? [limit.values[0]] : limit.values[0];
  }
  if (!holds(found, item)) util.unauthorized();
  checkFields(ctx, item);
  const key = keyOf(item);
  return ddb.put({
    key,
    item: { ...item, ...joined(item, false), ...key },
    condition: { and: [{ [SPEC.key[0]]: { attributeExists: false } }, ...asList(condition)] },
  });
}

export function response(ctx) {
  if (ctx.error) failed(ctx);
  return changed(ctx.result);
}
