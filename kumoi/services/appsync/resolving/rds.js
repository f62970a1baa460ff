// `@aws-appsync/utils/rds`: statements out of values, which become variables, never text; and results as plain objects.
(function () {
  'use strict';
  const fail = (text) => util.error(text, 'RDS');
  class Statement { constructor(pieces) { this.pieces = pieces; } }
  class Typed { constructor(value, hint) { this.value = value; this.hint = hint; } }
  class Name { constructor(path) { this.path = path; } }
  class Total { constructor(kind, column, distinct) { this.kind = kind; this.column = column; this.distinct = distinct; } }

  // A statement is a list of pieces: texts, names of tables and columns, and values.
  const value = (held) => ({ value: held });
  const name = (text) => new Name(String(text));
  const listed = (items, piece) => items.flatMap((item, at) => (at ? [', ', ...piece(item)] : piece(item)));
  const columns = (given) => {
    const all = Array.isArray(given) ? given : Object.entries(given || {}).map(([alias, column]) => ({ alias, column }));
    if (!all.length || given === '*') return ['*'];
    return listed(all, (one) => {
      if (one === '*') return ['*'];
      if (one instanceof Total) return aggregate(one);
      return one.alias === undefined ? [name(one)]
        : [...(one.column instanceof Total ? aggregate(one.column) : [name(one.column)]), ' AS ', name(one.alias)];
    });
  };
  const aggregate = (one) => [`${one.kind}(${one.distinct ? 'DISTINCT ' : ''}`, one.column === '*' ? '*' : name(one.column), ')'];

  const COMPARED = { eq: '=', ne: '<>', lt: '<', le: '<=', gt: '>', ge: '>=' };
  function condition(given) {
    const parts = [];
    for (const key of Object.keys(given || {})) {
      const rule = given[key];
      if (rule === undefined || rule === null) continue;
      if (key === 'and' || key === 'or') {
        const inner = (Array.isArray(rule) ? rule : [rule]).map(condition).filter((one) => one.length);
        if (inner.length) {
          parts.push(['(', ...inner.flatMap((one, at) => (at ? [` ${key.toUpperCase()} `, ...one] : one)), ')']);
        }
      } else if (key === 'not') parts.push(['NOT (', ...condition(rule), ')']);
      else for (const operator of Object.keys(rule)) parts.push(compared(name(key), operator, rule[operator]));
    }
    return parts.flatMap((one, at) => (at ? [' AND ', ...one] : one));
  }
  function compared(column, operator, held) {
    if (COMPARED[operator]) return [column, ` ${COMPARED[operator]} `, value(held)];
    switch (operator) {
      case 'between': return [column, ' BETWEEN ', value(held[0]), ' AND ', value(held[1])];
      case 'contains': return [column, ' LIKE ', value(`%${held}%`)];
      case 'notContains': return [column, ' NOT LIKE ', value(`%${held}%`)];
      case 'beginsWith': return [column, ' LIKE ', value(`${held}%`)];
      case 'attributeExists': return [column, held ? ' IS NOT NULL' : ' IS NULL'];
      case 'in': return [column, ' IN (', ...listed(held, (one) => [value(one)]), ')'];
    }
    return fail(`Unsupported operator: ${operator}`);
  }
  const where = (given) => {
    const made = condition(given);
    return made.length ? [' WHERE ', ...made] : [];
  };
  const returning = (given) => (given ? [' RETURNING ', ...columns(Array.isArray(given) ? given : [given])] : []);
  const JOINS = { join: 'JOIN', innerJoin: 'INNER JOIN', leftJoin: 'LEFT JOIN', rightJoin: 'RIGHT JOIN', fullOuterJoin: 'FULL OUTER JOIN', crossJoin: 'CROSS JOIN' };
  const joined = (asked) => Object.keys(JOINS).flatMap((kind) => [asked[kind] || []].flat().flatMap((one) => {
    const sides = Object.entries(one.using ? {} : one.on || {});
    const on = sides.flatMap(([left, right], at) => [at ? ' AND ' : ' ON ', name(left), ' = ', name(right)]);
    const using = one.using ? [' USING (', ...listed(one.using, (column) => [name(column)]), ')'] : [];
    return [` ${JOINS[kind]} `, name(one.from || one.table), ...on, ...using];
  }));
  const select = (asked) => new Statement([
    'SELECT ', ...columns(asked.columns), ' FROM ', name(asked.table || asked.from), ...joined(asked), ...where(asked.where),
    ...(asked.groupBy ? [' GROUP BY ', ...listed(asked.groupBy, (one) => [name(one)])] : []),
    ...(asked.having ? [' HAVING ', ...condition(asked.having)] : []),
    ...(asked.orderBy ? [' ORDER BY ', ...listed(asked.orderBy, (one) => (typeof one === 'string' ? [name(one)]
      : [name(one.column), String(one.dir).toUpperCase() === 'DESC' ? ' DESC' : ' ASC']))] : []),
    ...(asked.limit === undefined ? [] : [' LIMIT ', value(asked.limit)]),
    ...(asked.offset === undefined ? [] : [' OFFSET ', value(asked.offset)]),
  ]);
  const insert = (asked) => {
    const rows = Array.isArray(asked.values) ? asked.values : [asked.values];
    const names = Object.keys(rows[0] || {});
    if (!names.length) fail('insert needs values');
    return new Statement([
      'INSERT INTO ', name(asked.table), ' (', ...listed(names, (one) => [name(one)]), ') VALUES ',
      ...listed(rows, (row) => ['(', ...listed(names, (one) => [value(row[one])]), ')']), ...returning(asked.returning),
    ]);
  };
  const update = (asked) => new Statement([
    'UPDATE ', name(asked.table), ' SET ',
    ...listed(Object.keys(asked.values), (one) => [name(one), ' = ', value(asked.values[one])]),
    ...where(asked.where), ...returning(asked.returning),
  ]);
  const remove = (asked) => new Statement(
    ['DELETE FROM ', name(asked.table), ...where(asked.where), ...returning(asked.returning)]);
  const sql = (texts, ...values) => new Statement(
    texts.flatMap((text, at) => (at < values.length ? [text, value(values[at])] : [text])));

  const created = (quote) => (...statements) => {
    const variableMap = {}, variableTypeHintMap = {};
    let known = 0;
    const quoted = (one) => one.path.split('.').map((part) =>
      (part === '*' ? '*' : quote + part.replaceAll(quote, quote + quote) + quote)).join('.');
    const written = (statement) => {
      if (typeof statement === 'string') return statement;
      if (!(statement instanceof Statement)) fail('A statement is made by sql, select, insert, update or remove');
      return statement.pieces.map((piece) => {
        if (typeof piece === 'string') return piece;
        if (piece instanceof Name) return quoted(piece);
        const label = `:P${known}`, typed = piece.value instanceof Typed;
        known += 1;
        variableMap[label] = typed ? piece.value.value : piece.value === undefined ? null : piece.value;
        if (typed) variableTypeHintMap[label] = piece.value.hint;
        return label;
      }).join('');
    };
    return { statements: statements.map(written), variableMap, variableTypeHintMap };
  };
  const plain = (field) => {
    if (field.isNull) return null;
    const [held] = Object.values(field);
    return held;
  };
  const toJsonObject = (text) => {
    const result = typeof text === 'string' ? JSON.parse(text) : text;
    return result.sqlStatementResults.map((one) => one.records.map((row) => Object.fromEntries(
      row.map((field, at) => [one.columnMetadata[at].label || one.columnMetadata[at].name, plain(field)]))));
  };
  const hint = (kind) => (held) => new Typed(held, kind);
  const total = (kind, distinct) => (column) => new Total(kind, column, distinct);
  const agg = {};
  for (const kind of ['count', 'max', 'min', 'avg', 'sum']) {
    agg[kind] = total(kind.toUpperCase(), false);
    agg[`${kind}Distinct`] = total(kind.toUpperCase(), true);
  }
  const rds = {
    sql, select, insert, update, remove, toJsonObject, agg,
    createPgStatement: created('"'), createMySQLStatement: created('`'),
    typeHint: Object.fromEntries(['UUID', 'JSON', 'DATE', 'TIME', 'TIMESTAMP', 'DECIMAL'].map((kind) => [kind, hint(kind)])),
  };
  util.rds = { toJsonObject, toJsonString: (text) => JSON.stringify(toJsonObject(text)) };
  const before = globalThis.require;
  globalThis.require = (module) => (module === '@aws-appsync/utils/rds' ? { ...rds, default: rds } : before(module));
})
