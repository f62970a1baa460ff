// A field of an item that not everybody may read who may read the item.
export function request(ctx) {
  if (ofChange(ctx)) runtime.earlyReturn(null);
  if (!holds(access(ctx, SPEC.rules), ctx.source)) util.unauthorized();
  return { payload: null };
}

export function response(ctx) {
  return ctx.source[SPEC.field];
}
