// An item by its key, out of the arguments or, for a relation, of the item that it belongs to.
export function request(ctx) {
  checkRelation(ctx);
  access(ctx, SPEC.rules);
  const values = SPEC.source ? SPEC.source.map((name) => ctx.source[name]) : SPEC.key.map((name) => ctx.args[name]);
  if (!values.every(present)) runtime.earlyReturn(null);
  const item = {};
  for (const name of SPEC.key) item[name] = values[SPEC.key.indexOf(name)];
  return ddb.get({ key: keyOf(item) });
}

export function response(ctx) {
  if (ctx.error) util.error(ctx.error.message, ctx.error.type);
  if (present(ctx.result) && !holds(access(ctx, SPEC.rules), ctx.result)) util.unauthorized();
  return ctx.result;
}
