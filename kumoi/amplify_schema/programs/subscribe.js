// Who may subscribe, and to what: only to items of the owners and groups that the caller stands for.
export function request(ctx) {
  const found = access(ctx, SPEC.rules);
  for (const limit of found.limits) {
    const wanted = ctx.args[limit.field];
    if (!found.open && limit.owner && present(wanted) && !limit.values.includes(wanted)) util.unauthorized();
  }
  return { payload: null };
}

export function response(ctx) {
  const found = access(ctx, SPEC.rules);
  const wanted = present(ctx.args.filter) ? [ctx.args.filter] : [];
  if (!found.open) {
    // A filter takes lists of up to five values, and twenty to be contained.
    const options = found.limits.map((limit) => (limit.many ? [{ [limit.field]: { containsAny: limit.values.slice(0, 20) } }]
      : limit.values.length > 5 ? limit.values.map((value) => ({ [limit.field]: { eq: value } }))
        : [{ [limit.field]: { in: limit.values } }])).flat();
    wanted.push(options.length > 1 ? { or: options } : options[0]);
  } else {
    for (const name of SPEC.owners) if (present(ctx.args[name])) wanted.push({ [name]: { eq: ctx.args[name] } });
  }
  if (wanted.length > 0) {
    const filter = wanted.length > 1 ? { and: wanted } : wanted[0];
    extensions.setSubscriptionFilter(util.transform.toSubscriptionFilter(filter));
  }
  return null;
}
