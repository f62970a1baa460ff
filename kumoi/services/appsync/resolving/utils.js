// What resolvers in JavaScript import: `@aws-appsync/utils` and its helpers for DynamoDB.
// Errors and early returns are thrown as marked errors, which the host reads; programs cannot catch.
(function (kumoi, encodings) {
  'use strict';
  const stringify = JSON.stringify;

  function signal(name, told) {
    const error = new Error(stringify(told));
    error.name = name;
    throw error;
  }
  const given = (value) => (value === undefined ? null : value);
  const told = (message, type, data, info) => ({
    message: given(message), errorType: given(type), data: given(data), errorInfo: given(info),
  });

  function attribute(value) {
    if (value === null || value === undefined) return { NULL: true };
    if (value instanceof Marked) return value.attribute;
    switch (typeof value) {
      case 'string': return { S: value };
      case 'number': return { N: String(value) };
      case 'boolean': return { BOOL: value };
    }
    if (Array.isArray(value)) return { L: value.map(attribute) };
    return { M: attributes(value) };
  }
  function attributes(map) {
    const made = {};
    for (const key of Object.keys(map || {})) if (map[key] !== undefined) made[key] = attribute(map[key]);
    return made;
  }
  class Marked { constructor(made) { this.attribute = made; } }
  class Change { constructor(kind, value, index) { this.kind = kind; this.value = value; this.index = index; } }

  const OPERATORS = { ne: '<>', eq: '=', lt: '<', le: '<=', gt: '>', ge: '>=' };
  // An expression of DynamoDB's out of a condition such as { n: { gt: 1 } }, `and`, `or`, `not`.
  function expression(condition) {
    const names = {}, values = {};
    const value = (name, held) => { values[name] = attribute(held); return name; };
    function clauses(map, prefix) {
      const parts = [];
      for (const key of Object.keys(map || {})) {
        const rule = map[key];
        if (rule === undefined || rule === null) continue;
        if (key === 'and' || key === 'or') {
          const list = Array.isArray(rule) ? rule : [rule];
          const inner = list.map((one, at) => clauses(one, `${prefix}${key}_${at}_`)).filter((one) => one);
          if (inner.length > 1) parts.push(`(${inner.join(key === 'and' ? ' AND ' : ' OR ')})`);
          else parts.push(...inner); // DynamoDB refuses redundant parentheses
        } else if (key === 'not') {
          const inner = clauses(rule, `${prefix}not_`);
          if (inner) parts.push(`(NOT ${inner})`);
        } else {
          parts.push(...field(key, rule, prefix));
        }
      }
      return parts.length > 1 ? `(${parts.join(' AND ')})` : parts.join('');
    }
    function field(name, rule, prefix) {
      const alias = `#${name.replace(/[^A-Za-z0-9_]/g, '_')}`, parts = [];
      const label = (op) => `:${prefix}${name}_${op}`.replace(/[^:A-Za-z0-9_]/g, '_');
      for (const op of Object.keys(rule)) {
        const held = rule[op];
        names[alias] = name;
        if (OPERATORS[op]) parts.push(`(${alias} ${OPERATORS[op]} ${value(label(op), held)})`);
        else if (op === 'between') {
          parts.push(`(${alias} BETWEEN ${value(label('between_1'), held[0])} AND ${value(label('between_2'), held[1])})`);
        } else if (op === 'in') {
          parts.push(`(${alias} IN (${held.map((one, at) => value(label(`in_${at}`), one)).join(', ')}))`);
        } else if (op === 'contains') parts.push(`contains(${alias}, ${value(label(op), held)})`);
        else if (op === 'notContains') parts.push(`(NOT contains(${alias}, ${value(label(op), held)}))`);
        else if (op === 'beginsWith') parts.push(`(begins_with(${alias}, ${value(label(op), held)}))`);
        else if (op === 'attributeExists') {
          parts.push(`(${held ? 'attribute_exists' : 'attribute_not_exists'}(${alias}))`);
        } else if (op === 'attributeType') parts.push(`(attribute_type(${alias}, ${value(label(op), held)}))`);
        else if (op === 'size') {
          for (const inner of Object.keys(held)) {
            if (!OPERATORS[inner]) signal('AppSyncError', told(`Unsupported operator for size: ${inner}`));
            parts.push(`(size(${alias}) ${OPERATORS[inner]} ${value(label(`size_${inner}`), held[inner])})`);
          }
        } else signal('AppSyncError', told(`Unsupported operator: ${op}`));
      }
      return parts;
    }
    const text = clauses(condition, '');
    const made = { expression: text, expressionNames: names };
    if (Object.keys(values).length) made.expressionValues = values;
    return made;
  }
  // Groups of conditions, one of which has to hold, out of a condition such as { n: { gt: 1 } }, `and`, `or`.
  function subscriptionFilter(condition, ignored, rules) {
    const product = (some, others) => some.flatMap((one) => others.map((other) => [...one, ...other]));
    const alternatives = (map, out) => {
      let groups = [[]];
      for (const name of Object.keys(map || {})) {
        const rule = map[name];
        if (rule === undefined || rule === null || out.includes(name)) continue;
        if (name === 'and' || name === 'or') {
          const parts = (Array.isArray(rule) ? rule : [rule]).map((one) => alternatives(one, out));
          if (name === 'and') groups = parts.reduce(product, groups);
          else if (parts.length) groups = product(groups, parts.flat());
        } else {
          const filters = Object.keys(rule).map((operator) => ({ fieldName: name, operator, value: rule[operator] }));
          groups = groups.map((group) => [...group, ...filters]);
        }
        if (groups.length > 10) signal('AppSyncError', told('A subscription filter can have up to 10 groups.'));
      }
      return groups;
    };
    const groups = product(alternatives(condition, ignored || []), alternatives(rules, []));
    return { filterGroup: groups.filter((group) => group.length).map((filters) => ({ filters })) };
  }
  const filled = (map) => map && Object.keys(map).length > 0;
  function put(target, name, held) { if (held !== undefined) target[name] = held; return target; }
  function projection(list) {
    if (!list) return undefined;
    const names = {};
    const paths = list.map((path) => path.split('.').map((one) => { names[`#${one}`] = one; return `#${one}`; }).join('.'));
    return { expression: paths.join(', '), expressionNames: names };
  }
  function updates(changes) {
    const names = {}, values = {}, sections = { SET: [], REMOVE: [], ADD: [] };
    for (const key of Object.keys(changes || {})) {
      const held = changes[key], word = key.replace(/[^A-Za-z0-9_]/g, '_'), alias = `#${word}`, label = `:${word}`;
      if (held === undefined) continue;
      names[alias] = key;
      if (!(held instanceof Change)) {
        values[label] = attribute(held);
        sections.SET.push(`${alias} = ${label}`);
        continue;
      }
      if (held.kind === 'remove') { sections.REMOVE.push(alias); continue; }
      values[label] = attribute(held.value);
      if (held.kind === 'increment' || held.kind === 'decrement') {
        values[`${label}_0`] = { N: '0' };
        sections.SET.push(`${alias} = if_not_exists(${alias}, ${label}_0) ${held.kind === 'increment' ? '+' : '-'} ${label}`);
      } else if (held.kind === 'append' || held.kind === 'prepend') {
        values[`${label}_0`] = { L: [] };
        const own = `if_not_exists(${alias}, ${label}_0)`;
        sections.SET.push(`${alias} = list_append(${held.kind === 'append' ? `${own}, ${label}` : `${label}, ${own}`})`);
      } else if (held.kind === 'updateListItem') sections.SET.push(`${alias}[${held.index}] = ${label}`);
      else sections.SET.push(`${alias} = ${label}`);
    }
    const text = Object.keys(sections).filter((one) => sections[one].length)
      .map((one) => `${one} ${sections[one].join(', ')}`).join(' ');
    const made = { expression: text, expressionNames: names };
    if (Object.keys(values).length) made.expressionValues = values;
    return made;
  }
  const paged = (asked, operation) => {
    const made = { operation };
    if (asked.query) made.query = expression(asked.query);
    for (const name of ['index', 'limit', 'nextToken', 'consistentRead', 'scanIndexForward', 'select', 'totalSegments', 'segment']) {
      put(made, name, asked[name]);
    }
    if (filled(asked.filter)) made.filter = expression(asked.filter);
    return put(made, 'projection', projection(asked.projection));
  };
  const change = (kind) => (value, index) => new Change(kind, value, index);
  const VERSIONED = ['_version', 'customPartitionKey', 'populateIndexFields'];
  const conditioned = (made, asked) => {
    if (filled(asked.condition)) made.condition = expression(asked.condition);
    for (const name of VERSIONED) put(made, name, asked[name]);
    return made;
  };
  const each = (tables, made) => {
    const all = {};
    for (const name of Object.keys(tables || {})) all[name] = made(tables[name]);
    return all;
  };
  const KINDS = { putItem: 'PutItem', updateItem: 'UpdateItem', deleteItem: 'DeleteItem', conditionCheck: 'ConditionCheck' };
  function written(one) {
    const kind = Object.keys(KINDS).find((name) => one[name]);
    if (!kind) signal('AppSyncError', told('transactWrite takes putItem, updateItem, deleteItem or conditionCheck'));
    const asked = one[kind];
    const made = { table: asked.table, operation: KINDS[kind], key: attributes(asked.key) };
    if (kind === 'putItem') made.attributeValues = attributes(asked.item);
    if (kind === 'updateItem') made.update = updates(asked.update);
    const { returnValuesOnConditionCheckFailure: returned, ...condition } = asked.condition || {};
    if (filled(condition)) made.condition = expression(condition);
    if (made.condition) put(made.condition, 'returnValuesOnConditionCheckFailure', returned);
    return made;
  }
  const sets = {
    toStringSet: (list) => new Marked({ SS: list }),
    toNumberSet: (list) => new Marked({ NS: list.map(String) }),
    toBinarySet: (list) => new Marked({ BS: list }),
  };
  const dynamodb = {
    get: (asked) => put(put({ operation: 'GetItem', key: attributes(asked.key) }, 'consistentRead', asked.consistentRead),
      'projection', projection(asked.projection)),
    put: (asked) => conditioned(
      { operation: 'PutItem', key: attributes(asked.key), attributeValues: attributes(asked.item) }, asked),
    update: (asked) => conditioned(
      { operation: 'UpdateItem', key: attributes(asked.key), update: updates(asked.update) }, asked),
    remove: (asked) => conditioned({ operation: 'DeleteItem', key: attributes(asked.key) }, asked),
    query: (asked) => paged(asked, 'Query'),
    scan: (asked) => paged(asked || {}, 'Scan'),
    sync: (asked) => {
      const made = paged(asked || {}, 'Sync');
      for (const name of ['basePartitionKey', 'deltaIndexName', 'lastSync']) put(made, name, (asked || {})[name]);
      return made;
    },
    batchGet: (asked) => ({ operation: 'BatchGetItem', tables: each(asked.tables, (one) => put(
      put({ keys: one.keys.map(attributes) }, 'consistentRead', one.consistentRead), 'projection', projection(one.projection))) }),
    batchPut: (asked) => ({ operation: 'BatchPutItem', tables: each(asked.tables, (items) => items.map(attributes)) }),
    batchDelete: (asked) => ({ operation: 'BatchDeleteItem', tables: each(asked.tables, (keys) => keys.map(attributes)) }),
    transactGet: (asked) => ({ operation: 'TransactGetItems', transactItems: asked.items.map((one) => put(
      { table: one.table, key: attributes(one.key) }, 'projection', projection(one.projection))) }),
    transactWrite: (asked) => ({ operation: 'TransactWriteItems', transactItems: asked.items.map(written) }),
    operations: {
      add: change('replace'), replace: change('replace'), remove: change('remove'),
      increment: (by) => new Change('increment', by === undefined ? 1 : by),
      decrement: (by) => new Change('decrement', by === undefined ? 1 : by),
      append: change('append'), prepend: change('prepend'), updateListItem: change('updateListItem'),
    },
    ...sets,
  };

  const NOT_COPIED = ['transfer-encoding', 'connection', 'host', 'expect', 'keep-alive', 'upgrade', 'proxy-authenticate',
    'proxy-authorization', 'te', 'content-length'];

  const util = {
    error: (message, type, data, info) => signal('AppSyncError', told(message, type, data, info)),
    appendError: (message, type, data, info) => kumoi.effect('error', told(message, type, data, info)),
    unauthorized: () => signal('AppSyncUnauthorized', {}),
    validate: (holds, message, type, data) => {
      if (!holds) signal('AppSyncError', told(message, type === undefined ? 'CustomTemplateException' : type, data));
    },
    matches: (pattern, text) => new RegExp(pattern).test(text),
    escapeJavaScript: (text) => stringify(String(text)).slice(1, -1),
    urlEncode: (text) => encodeURIComponent(text).replace(/%20/g, '+'),
    urlDecode: (text) => decodeURIComponent(String(text).replace(/\+/g, ' ')),
    base64Encode: (text) => btoa(unescape(encodeURIComponent(text))),
    base64Decode: (text) => decodeURIComponent(escape(atob(text))),

    autoId: () => uuid(),
    autoUlid: () => sortable(BigInt(Date.now()), 80, '0123456789ABCDEFGHJKMNPQRSTVWXYZ', 26),
    autoKsuid: () => sortable(BigInt(Math.floor(Date.now() / 1000) - 1400000000), 128,
      '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz', 27),
    authType: () => authType,
    time: {
      nowISO8601: () => new Date().toISOString(),
      nowEpochSeconds: () => Math.floor(Date.now() / 1000),
      nowEpochMilliSeconds: () => Date.now(),
      parseISO8601ToEpochMilliSeconds: (text) => Date.parse(text),
      epochMilliSecondsToSeconds: (milliseconds) => Math.floor(milliseconds / 1000),
      epochMilliSecondsToISO8601: (milliseconds) => new Date(milliseconds).toISOString(),
    },
    dynamodb: {
      toDynamoDB: attribute,
      toMapValues: attributes,
      toString: attribute, toNumber: attribute, toBoolean: attribute, toNull: () => ({ NULL: true }),
      toList: attribute, toMap: attribute, toBinary: (text) => ({ B: text }),
      toStringSet: (list) => sets.toStringSet(list).attribute,
      toNumberSet: (list) => sets.toNumberSet(list).attribute,
      toBinarySet: (list) => sets.toBinarySet(list).attribute,
      toS3Object: (key, bucket, region, version) => ({ S: stringify({ s3: { key, bucket, region, version } }) }),
      fromS3ObjectJson: (text) => JSON.parse(text).s3,
    },
    transform: {
      toDynamoDBFilterExpression: (condition) => stringify(expression(condition)),
      toDynamoDBConditionExpression: (condition) => stringify(expression(condition)),
      toSubscriptionFilter: subscriptionFilter,
    },
    math: {
      roundNum: Math.round,
      minVal: (...numbers) => Math.min(...numbers.flat()),
      maxVal: (...numbers) => Math.max(...numbers.flat()),
      randomDouble: () => Math.random(),
      randomWithinRange: (start, end) => Math.floor(start + Math.random() * (end - start)),
    },
    http: {
      copyHeaders: (headers) => Object.fromEntries(Object.entries(headers).filter(([name]) => !NOT_COPIED.includes(name.toLowerCase()))),
      addResponseHeader: (name, value) => kumoi.effect('header', [given(name), given(value)]),
      addResponseHeaders: (headers) => {
        for (const [name, value] of Object.entries(headers)) kumoi.effect('header', [name, given(value)]);
      },
    },
    str: { normalize: (text, form) => text.normalize(form.toUpperCase()) },
  };
  const runtime = {
    earlyReturn: (value, options) =>
      signal('AppSyncEarlyReturn', { value: given(value), skipTo: (options && options.skipTo) || 'NEXT' }),
  };
  const extension = (name) => (asked) => kumoi.effect('extension', [name, given(asked)]);
  const extensions = {
    evictFromApiCache: (type, field, keys) => kumoi.effect('evict', [given(type), given(field), given(keys)]),
    setSubscriptionFilter: extension('setSubscriptionFilter'),
    setSubscriptionInvalidationFilter: extension('setSubscriptionInvalidationFilter'),
    invalidateSubscriptions: extension('invalidateSubscriptions'),
  };

  let authType = '', ids = [];
  kumoi.zones = {};
  function uuid() {
    if (ids.length) return ids.pop();
    const digit = () => Math.floor(Math.random() * 16).toString(16);
    return 'xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx'.replace(/x/g, digit);
  }

  // A time, random bits behind it, as digits.
  function sortable(time, bits, digits, length) {
    let number = time;
    for (let at = 0; at < bits; at += 16) number = (number << 16n) | BigInt(Math.floor(Math.random() * 65536));
    let text = '';
    for (; text.length < length; number /= BigInt(digits.length)) text = digits[Number(number % BigInt(digits.length))] + text;
    return text;
  }

  globalThis.console = { log: kumoi.log, error: kumoi.log };
  globalThis.util = util;
  globalThis.runtime = runtime;
  globalThis.extensions = extensions;
  const modules = {
    '@aws-appsync/utils': { util, runtime, extensions },
    '@aws-appsync/utils/dynamodb': { ...dynamodb, default: dynamodb },
  };
  globalThis.require = (name) => {
    if (name === '@aws-appsync/utils/ai') throw new Error(`Kumoi has no module '${name}': there is no Bedrock to ask`);
    if (!(name in modules)) throw new Error(`Cannot find module '${name}'`);
    return modules[name];
  };
  // A function of a program as the host calls it: what it answered, and the stash as it left it.
  globalThis.kumoiResolver = (program) => typeof program !== 'function' ? undefined : (ctx, known) => {
    authType = known.authType;
    ids = known.ids;
    if (known.zones) Object.assign(kumoi.zones, known.zones);
    ctx.args = ctx.arguments;
    const value = program(ctx);
    return { value: given(value), stash: ctx.stash };
  };
})
