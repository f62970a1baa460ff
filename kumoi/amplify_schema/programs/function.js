export function request(ctx) {
  if (ofChange(ctx)) runtime.earlyReturn(null);
  if (SPEC.rules.length > 0 && !holds(access(ctx, SPEC.rules), ctx.source || {})) util.unauthorized();
  return {
    operation: 'Invoke',
    payload: {
      typeName: SPEC.type, fieldName: SPEC.field, arguments: ctx.args, identity: ctx.identity, source: ctx.source,
      request: ctx.request, prev: ctx.prev,
    },
  };
}

export function response(ctx) {
  if (ctx.error) util.error(ctx.error.message, ctx.error.type);
  return ctx.result;
}
