// What `require` and `import` find in a CloudFront function: crypto, querystring, buffer and (2.0) cloudfront.
(function (version) {
  'use strict';
  return function (kumoi, encodings) {
    const { bytesOf, decode } = encodings;
    const Bytes = globalThis.Buffer;

    function padded(bytes, big) {
      const size = ((bytes.length + 8) >> 6) + 1 << 6;
      const block = new Uint8Array(size);
      block.set(bytes);
      block[bytes.length] = 0x80;
      const view = new DataView(block.buffer), bits = bytes.length * 8;
      if (big) { view.setUint32(size - 4, bits >>> 0); view.setUint32(size - 8, Math.floor(bits / 4294967296)); }
      else { view.setUint32(size - 8, bits >>> 0, true); view.setUint32(size - 4, Math.floor(bits / 4294967296), true); }
      return view;
    }
    function words(values, big) {
      const out = new Uint8Array(values.length * 4), view = new DataView(out.buffer);
      values.forEach((value, i) => view.setUint32(i * 4, value >>> 0, !big));
      return out;
    }
    const left = (value, by) => (value << by) | (value >>> (32 - by));
    const right = (value, by) => (value >>> by) | (value << (32 - by));

    const SINES = Array.from({ length: 64 }, (_, i) => Math.floor(Math.abs(Math.sin(i + 1)) * 4294967296) | 0);
    const TURNS = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];
    function md5(bytes) {
      const view = padded(bytes, false);
      const sum = [0x67452301, 0xefcdab89 | 0, 0x98badcfe | 0, 0x10325476];
      for (let at = 0; at < view.byteLength; at += 64) {
        let [a, b, c, d] = sum;
        for (let i = 0; i < 64; i++) {
          const round = i >> 4;
          const mixed = round === 0 ? (b & c) | (~b & d) : round === 1 ? (d & b) | (~d & c) : round === 2 ? b ^ c ^ d : c ^ (b | ~d);
          const index = round === 0 ? i : round === 1 ? (5 * i + 1) & 15 : round === 2 ? (3 * i + 5) & 15 : (7 * i) & 15;
          const turned = left((a + mixed + SINES[i] + view.getInt32(at + index * 4, true)) | 0, TURNS[round][i & 3]);
          a = d; d = c; c = b; b = (b + turned) | 0;
        }
        [a, b, c, d].forEach((value, i) => { sum[i] = (sum[i] + value) | 0; });
      }
      return words(sum, false);
    }
    function sha1(bytes) {
      const view = padded(bytes, true), w = new Int32Array(80);
      const sum = [0x67452301, 0xefcdab89 | 0, 0x98badcfe | 0, 0x10325476, 0xc3d2e1f0 | 0];
      for (let at = 0; at < view.byteLength; at += 64) {
        for (let i = 0; i < 80; i++) w[i] = i < 16 ? view.getInt32(at + i * 4) : left(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
        let [a, b, c, d, e] = sum;
        for (let i = 0; i < 80; i++) {
          const mixed = i < 20 ? ((b & c) | (~b & d)) + 0x5a827999 : i < 40 ? (b ^ c ^ d) + 0x6ed9eba1
            : i < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc : (b ^ c ^ d) + 0xca62c1d6;
          const next = (left(a, 5) + mixed + e + w[i]) | 0;
          e = d; d = c; c = left(b, 30); b = a; a = next;
        }
        [a, b, c, d, e].forEach((value, i) => { sum[i] = (sum[i] + value) | 0; });
      }
      return words(sum, true);
    }
    const PRIMES = [];
    for (let n = 2; PRIMES.length < 64; n++) if (PRIMES.every((prime) => n % prime)) PRIMES.push(n);
    const part = (value) => Math.floor((value - Math.floor(value)) * 4294967296) | 0;
    const K = PRIMES.map((prime) => part(Math.cbrt(prime)));
    const H = PRIMES.slice(0, 8).map((prime) => part(Math.sqrt(prime)));
    function sha256(bytes) {
      const view = padded(bytes, true), w = new Int32Array(64), sum = H.slice();
      for (let at = 0; at < view.byteLength; at += 64) {
        for (let i = 0; i < 64; i++) {
          if (i < 16) { w[i] = view.getInt32(at + i * 4); continue; }
          const x = w[i - 15], y = w[i - 2];
          w[i] = (w[i - 16] + (right(x, 7) ^ right(x, 18) ^ (x >>> 3)) + w[i - 7] + (right(y, 17) ^ right(y, 19) ^ (y >>> 10))) | 0;
        }
        let [a, b, c, d, e, f, g, h] = sum;
        for (let i = 0; i < 64; i++) {
          const one = (h + (right(e, 6) ^ right(e, 11) ^ right(e, 25)) + ((e & f) ^ (~e & g)) + K[i] + w[i]) | 0;
          const two = ((right(a, 2) ^ right(a, 13) ^ right(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
          h = g; g = f; f = e; e = (d + one) | 0; d = c; c = b; b = a; a = (one + two) | 0;
        }
        [a, b, c, d, e, f, g, h].forEach((value, i) => { sum[i] = (sum[i] + value) | 0; });
      }
      return words(sum, true);
    }
    const HASHES = { md5, sha1, sha256 };
    function hashOf(name) {
      const found = HASHES[String(name).toLowerCase()];
      if (found === undefined) throw new TypeError('not supported algorithm: "' + name + '"');
      return found;
    }
    function joined(parts) {
      const out = new Uint8Array(parts.reduce((sum, one) => sum + one.length, 0));
      let at = 0;
      for (const one of parts) { out.set(one, at); at += one.length; }
      return out;
    }
    class Hash {
      constructor(name) { this._hash = hashOf(name); this._parts = []; this._done = false; }
      update(data, encoding) {
        if (this._done) throw new Error('Digest already called');
        this._parts.push(Uint8Array.from(bytesOf(data, encoding)));
        return this;
      }
      _finish(bytes) { return this._hash(bytes); }
      digest(encoding) {
        if (this._done) throw new Error('Digest already called');
        this._done = true;
        const sum = this._finish(joined(this._parts));
        if (encoding !== undefined) return decode(sum, encoding);
        return version === '2.0' ? Bytes.from(sum) : decode(sum, 'latin1');
      }
    }
    class Hmac extends Hash {
      constructor(name, key) {
        super(name);
        let bytes = Uint8Array.from(bytesOf(key));
        if (bytes.length > 64) bytes = this._hash(bytes);
        this._key = new Uint8Array(64);
        this._key.set(bytes);
      }
      _finish(bytes) {
        const inner = this._hash(joined([this._key.map((one) => one ^ 0x36), bytes]));
        return this._hash(joined([this._key.map((one) => one ^ 0x5c), inner]));
      }
    }
    const crypto = {
      createHash: (name) => new Hash(name),
      createHmac: (name, key) => new Hmac(name, key),
    };

    function escape(value) {
      const text = typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
      return encodeURIComponent(text).replace(/[!'()*]/g, (one) => one);
    }
    function unescape(text) {
      try { return decodeURIComponent(text); } catch (error) { return text; }
    }
    const querystring = {
      parse(text, separator, equals, options) {
        const found = {}, read = (options && options.decodeURIComponent) || querystring.unescape;
        const most = options && options.maxKeys !== undefined ? options.maxKeys : 1000;
        String(text).split(separator || '&').filter((piece) => piece !== '').slice(0, most || undefined).forEach((piece) => {
          const at = piece.indexOf(equals || '=');
          const clean = (part) => read(part.replace(/\+/g, ' '));
          const name = clean(at < 0 ? piece : piece.slice(0, at)), value = at < 0 ? '' : clean(piece.slice(at + (equals || '=').length));
          if (!Object.prototype.hasOwnProperty.call(found, name)) found[name] = value;
          else if (Array.isArray(found[name])) found[name].push(value);
          else found[name] = [found[name], value];
        });
        return found;
      },
      stringify(object, separator, equals, options) {
        const write = (options && options.encodeURIComponent) || querystring.escape;
        return Object.keys(object || {}).map((name) => {
          const values = Array.isArray(object[name]) ? object[name] : [object[name]];
          return values.map((value) => write(name) + (equals || '=') + write(value)).join(separator || '&');
        }).join(separator || '&');
      },
      escape,
      unescape,
    };
    querystring.decode = querystring.parse;
    querystring.encode = querystring.stringify;

    const modules = { crypto, querystring, buffer: { Buffer: Bytes } };
    if (version === '2.0') {
      const later = (name) => () => { throw new Error('cf.' + name + ' is not served by Kumoi yet'); };
      const chosen = (kind) => (...given) => { kumoi.effect(kind, given.length === 1 ? given[0] : given); };
      modules.cloudfront = {
        kvs(id) {
          const ask = (operation, key) => kumoi.ask('kvs', [id === undefined ? null : String(id), operation, key]);
          return {
            async get(key, options) {
              const value = await ask('get', String(key));
              const format = options && options.format !== undefined ? options.format : 'string';
              if (format === 'json') return JSON.parse(value);
              if (format === 'bytes') return Bytes.from(value);
              return value;
            },
            exists: (key) => ask('exists', String(key)),
            count: () => ask('count', null),
            meta: () => ask('meta', null),
          };
        },
        updateRequestOrigin: chosen('updateRequestOrigin'),
        selectRequestOriginById: chosen('selectRequestOriginById'),
        createRequestOriginGroup: chosen('createRequestOriginGroup'),
        edgeLocation: later('edgeLocation'),
        rawQueryString: later('rawQueryString'),
        cwt: new Proxy({}, { get: (_, name) => later('cwt.' + String(name)) }),
      };
    }
    globalThis.require = (name) => {
      const found = Object.prototype.hasOwnProperty.call(modules, name) ? modules[name] : undefined;
      if (found === undefined) throw new Error('Cannot load module "' + name + '"');
      return found;
    };
    if (version === '2.0') {
      globalThis.console = { log: kumoi.log, error: kumoi.log, warn: kumoi.log };
    } else {
      String.bytesFrom = (given, encoding) => decode(bytesOf(given, encoding), 'latin1');
      const latin = (text) => Array.from(String(text), (one) => one.charCodeAt(0) & 255);
      const define = (name, value) => Object.defineProperty(String.prototype, name, { value, writable: true, configurable: true });
      define('fromUTF8', function (start, end) { return decode(latin(this.slice(start, end)), 'utf8'); });
      define('toUTF8', function (start, end) { return decode(encodings.utf8(this.slice(start, end)), 'latin1'); });
      define('fromBytes', function (start, end) { return decode(latin(this.slice(start, end)), 'latin1'); });
      define('toBytes', function (start, end) { return Array.from(this.slice(start, end)).every((one) => one.charCodeAt(0) < 256) ? this.slice(start, end) : null; });
      for (const name of ['Buffer', 'TextEncoder', 'TextDecoder', 'atob', 'btoa']) delete globalThis[name];
    }
    return encodings;
  };
})
