export function request(ctx) {
  const { input, condition } = ctx.args;
  const found = access(ctx, SPEC.rules);
  const allowed = protectedFields(ctx).map((rules) => clauses(access(ctx, rules))).flat();
  const update = {};
  for (const name of Object.keys(input)) {
    if (!SPEC.key.includes(name) && name !== '_version') {
      update[name] = present(input[name]) ? input[name] : ddb.operations.remove();
    }
  }
  const indexed = joined(input, true);
  for (const name of Object.keys(indexed)) if (name !== SPEC.key.slice(1).join('#')) update[name] = indexed[name];
  if (SPEC.updated && !present(input[SPEC.updated])) update[SPEC.updated] = util.time.nowISO8601();
  if (Object.keys(update).length === 0) update.__typename = SPEC.model;
  const asked = {
    key: keyOf(input), update,
    condition: { and: [{ [SPEC.key[0]]: { attributeExists: true } }, ...clauses(found, condition), ...allowed] },
  };
  if (present(input._version)) asked._version = input._version;
  return ddb.update(asked);
}

export function response(ctx) {
  if (ctx.error) failed(ctx);
  return changed(ctx.result);
}
