// `util.xml`: documents as maps, as xml_maps.py has it for templates.
(function () {
  'use strict';
  const DEEPEST = 100, LONGEST = 1024 * 1024;
  const ENTITIES = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };
  const fail = (text) => util.error(text, 'MappingTemplate');
  const NAME = '[A-Za-z_:\\u00b7-\\uffff][\\w:.\\u00b7-\\uffff-]*';
  const PIECE = new RegExp([
    '<!--(?:(?!--)[^])*-->', '<\\?(?:(?!\\?>)[^])*\\?>', '<!\\[CDATA\\[((?:(?!\\]\\]>)[^])*)\\]\\]>',
    `</(${NAME})\\s*>`, `<(${NAME})((?:\\s+${NAME}\\s*=\\s*(?:"[^"<]*"|'[^'<]*'))*)\\s*(/?)>`, '([^<]+)',
  ].join('|'), 'y');

  const decoded = (text) => text.replace(/&(?:#x([0-9a-fA-F]{1,6})|#(\d{1,7})|(\w*))(;?)/g, (whole, hex, decimal, name, ended) => {
    const code = hex ? parseInt(hex, 16) : decimal ? Number(decimal) : null;
    if (!ended || (code === null ? !Object.hasOwn(ENTITIES, name) : code > 0x10ffff || code === 0)) fail(`There is no entity ${whole}`);
    return code === null ? ENTITIES[name] : String.fromCodePoint(code);
  });
  function scalar(text) {
    if (text === 'true' || text === 'false') return text === 'true';
    if (text === 'null') return null;
    return /^-?(?:0|[1-9]\d{0,15})(?:\.\d{1,15})?(?:[eE][+-]?\d{1,2})?$/.test(text) ? Number(text) : text;
  }
  function put(holder, name, value) {
    if (!Object.hasOwn(holder, name)) Object.defineProperty(holder, name, { value, writable: true, enumerable: true, configurable: true });
    else if (Array.isArray(holder[name])) holder[name].push(value);
    else holder[name] = [holder[name], value];
  }
  function attributes(text) {
    const found = {};
    for (const [, name, double, single] of text.matchAll(new RegExp(`(${NAME})\\s*=\\s*(?:"([^"]*)"|'([^']*)')`, 'g'))) {
      if (Object.hasOwn(found, name)) fail(`The attribute ${name} is there twice`);
      put(found, name, scalar(decoded(double ?? single)));
    }
    return found;
  }

  function toMap(given) {
    const text = String(given), root = {}, open = [{ name: '', members: root, texts: [] }];
    if (text.length > LONGEST) fail(`An XML document has up to ${LONGEST} characters`);
    const end = () => {
      const { name, members, texts } = open.pop(), content = texts.join('').trim(), filled = Object.keys(members).length > 0;
      if (content && filled) put(members, 'content', scalar(content));
      put(open[open.length - 1].members, name, filled ? members : scalar(content));
    };
    PIECE.lastIndex = 0;
    while (PIECE.lastIndex < text.length) {
      const at = PIECE.lastIndex, match = PIECE.exec(text);
      if (match === null) fail(text.startsWith('<!DOCTYPE', at) ? 'Document types are not read' : `This is no XML, at character ${at}`);
      const [, literal, closed, opened, inside, empty, plain] = match, inner = open[open.length - 1];
      if (literal !== undefined || plain !== undefined) {
        const said = literal === undefined ? decoded(plain) : literal;
        if (open.length > 1) inner.texts.push(said);
        else if (said.trim()) fail('There is text outside of the XML element');
      } else if (closed !== undefined) {
        if (open.length < 2 || inner.name !== closed) fail(`</${closed}> ends nothing`);
        end();
      } else if (opened !== undefined) {
        if (open.length === 1 && Object.keys(root).length) fail('There are two XML elements at the top');
        if (open.length > DEEPEST) fail('The XML nests too deep');
        open.push({ name: opened, members: attributes(inside), texts: [] });
        if (empty) end();
      }
    }
    if (open.length > 1 || !Object.keys(root).length) fail('The XML ends too early');
    return root;
  }
  util.xml = { toMap, toJsonString: (text) => JSON.stringify(toMap(text)) };
})
