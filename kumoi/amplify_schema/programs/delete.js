export function request(ctx) {
  const { input, condition } = ctx.args;
  const found = access(ctx, SPEC.rules);
  const asked = {
    key: keyOf(input),
    condition: { and: [{ [SPEC.key[0]]: { attributeExists: true } }, ...clauses(found, condition)] },
  };
  if (present(input._version)) asked._version = input._version;
  return ddb.remove(asked);
}

export function response(ctx) {
  if (ctx.error) failed(ctx);
  return changed(ctx.result);
}
