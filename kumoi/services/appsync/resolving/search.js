// `util.transform.toElasticsearchQueryDSL`: conditions as queries of OpenSearch, as search_queries.py has it for templates.
(function () {
  'use strict';
  const DEEPEST = 50;
  const fail = (text) => util.error(text, 'MappingTemplate');
  const isMap = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);
  const all = (clauses) => (!clauses.length ? { match_all: {} } : clauses.length === 1 ? clauses[0] : { bool: { must: clauses } });
  const not = (clause) => ({ bool: { must_not: clause } });
  const simple = (kind) => (name, value) => ({ [kind]: { [name]: value } });
  const bounded = (bound) => (name, value) => ({ range: { [name]: { [bound]: value } } });
  const OPERATORS = {
    eq: simple('term'), ne: (name, value) => not({ term: { [name]: value } }),
    gt: bounded('gt'), gte: bounded('gte'), lt: bounded('lt'), lte: bounded('lte'),
    range: (name, value) => (Array.isArray(value) && value.length === 2 ? { range: { [name]: { gte: value[0], lte: value[1] } } }
      : fail('range takes a list of two values.')),
    match: simple('match'), matchPhrase: simple('match_phrase'), matchPhrasePrefix: simple('match_phrase_prefix'),
    multiMatch: (name, value) => ({ multi_match: { query: value, fields: [name] } }),
    exists: (name, value) => (value ? { exists: { field: name } } : not({ exists: { field: name } })),
    wildcard: simple('wildcard'), regexp: simple('regexp'),
  };
  function ofField(name, rule) {
    if (!isMap(rule)) fail(`The rule of ${name} has to be a map.`);
    return Object.keys(rule).map((operator) => (Object.hasOwn(OPERATORS, operator)
      ? OPERATORS[operator](name, rule[operator]) : fail(`Unsupported operator: ${operator}`)));
  }
  function clauses(condition, depth) {
    if (!isMap(condition) || depth > DEEPEST) fail('A condition has to be a map, and nest a few levels only.');
    const found = [];
    for (const name of Object.keys(condition)) {
      const rule = condition[name];
      if (rule === undefined || rule === null) continue;
      if (name === 'and' || name === 'or') {
        const inner = (Array.isArray(rule) ? rule : [rule]).map((one) => all(clauses(one, depth + 1)));
        found.push(name === 'or' ? { bool: { should: inner, minimum_should_match: 1 } } : all(inner));
      } else found.push(name === 'not' ? not(all(clauses(rule, depth + 1))) : all(ofField(name, rule)));
    }
    return found;
  }
  util.transform.toElasticsearchQueryDSL = (condition) => JSON.stringify(all(clauses(condition, 0)));
})
