// Texts and bytes: TextEncoder, TextDecoder, atob, btoa and Node's Buffer, as far as small programs use them.
(function () {
  'use strict';
  const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  const VALUES = {};
  for (let i = 0; i < 64; i++) VALUES[ALPHABET[i]] = i;
  VALUES['-'] = 62;
  VALUES['_'] = 63;

  function utf8(text) {
    const out = [];
    for (const character of String(text)) {
      let code = character.codePointAt(0);
      if (code >= 0xd800 && code <= 0xdfff) code = 0xfffd;
      if (code < 0x80) out.push(code);
      else if (code < 0x800) out.push(0xc0 | (code >> 6), 0x80 | (code & 63));
      else if (code < 0x10000) out.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
      else out.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
    }
    return out;
  }
  function text(bytes) {
    let out = '';
    for (let i = 0; i < bytes.length;) {
      const first = bytes[i++];
      const more = first < 0x80 ? 0 : first >> 5 === 6 ? 1 : first >> 4 === 14 ? 2 : first >> 3 === 30 ? 3 : -1;
      if (more < 0 || i + more > bytes.length) { out += '\ufffd'; continue; }
      let code = more === 0 ? first : first & (63 >> more);
      let valid = true;
      for (let k = 0; k < more; k++) {
        if ((bytes[i + k] & 0xc0) !== 0x80) { valid = false; break; }
        code = (code << 6) | (bytes[i + k] & 63);
      }
      if (!valid || code > 0x10ffff || code < [0, 0x80, 0x800, 0x10000][more] || (code >= 0xd800 && code <= 0xdfff)) {
        out += '\ufffd';
        continue;
      }
      i += more;
      out += String.fromCodePoint(code);
    }
    return out;
  }
  function base64(bytes, url) {
    let out = '';
    for (let i = 0; i < bytes.length; i += 3) {
      const left = bytes.length - i;
      const word = (bytes[i] << 16) | ((left > 1 ? bytes[i + 1] : 0) << 8) | (left > 2 ? bytes[i + 2] : 0);
      out += ALPHABET[word >> 18] + ALPHABET[(word >> 12) & 63];
      out += left > 1 ? ALPHABET[(word >> 6) & 63] : url ? '' : '=';
      out += left > 2 ? ALPHABET[word & 63] : url ? '' : '=';
    }
    return url ? out.replace(/\+/g, '-').replace(/\//g, '_') : out;
  }
  function unbase64(given) {
    const out = [];
    let word = 0, bits = 0;
    for (const character of String(given)) {
      const value = VALUES[character];
      if (value === undefined) continue;
      word = ((word << 6) | value) & 0xffffff;
      bits += 6;
      if (bits >= 8) { bits -= 8; out.push((word >> bits) & 255); }
    }
    return out;
  }
  function hex(bytes) {
    let out = '';
    for (const one of bytes) out += (one < 16 ? '0' : '') + one.toString(16);
    return out;
  }
  function encode(given, encoding) {
    switch (String(encoding === undefined ? 'utf8' : encoding).toLowerCase()) {
      case 'utf8': case 'utf-8': return utf8(given);
      case 'hex': {
        const out = [];
        for (let i = 0; i + 1 < given.length; i += 2) {
          const value = parseInt(given.slice(i, i + 2), 16);
          if (Number.isNaN(value)) break;
          out.push(value);
        }
        return out;
      }
      case 'base64': case 'base64url': return unbase64(given);
      case 'latin1': case 'binary': case 'ascii': return Array.from(String(given), (one) => one.charCodeAt(0) & 255);
      default: throw new TypeError('Unknown encoding: ' + encoding);
    }
  }
  function decode(bytes, encoding) {
    switch (String(encoding === undefined ? 'utf8' : encoding).toLowerCase()) {
      case 'utf8': case 'utf-8': return text(bytes);
      case 'hex': return hex(bytes);
      case 'base64': return base64(bytes, false);
      case 'base64url': return base64(bytes, true);
      case 'latin1': case 'binary': case 'ascii': return Array.from(bytes, (one) => String.fromCharCode(one)).join('');
      default: throw new TypeError('Unknown encoding: ' + encoding);
    }
  }
  function bytesOf(given, encoding) {
    if (typeof given === 'string') return encode(given, encoding);
    if (given instanceof ArrayBuffer) return new Uint8Array(given);
    if (ArrayBuffer.isView(given)) return new Uint8Array(given.buffer, given.byteOffset, given.byteLength);
    if (Array.isArray(given)) return given;
    throw new TypeError('argument is not a string or Buffer-like object');
  }

  class Buffer extends Uint8Array {
    static from(given, encoding) {
      const bytes = bytesOf(given !== null && typeof given === 'object' && given.type === 'Buffer' ? given.data : given, encoding);
      const made = new Buffer(bytes.length);
      made.set(bytes);
      return made;
    }
    static alloc(size, fill, encoding) {
      const made = new Buffer(size);
      return fill === undefined ? made : made.fill(fill, 0, size, encoding);
    }
    static allocUnsafe(size) { return new Buffer(size); }
    static byteLength(given, encoding) { return bytesOf(given, encoding).length; }
    static isBuffer(given) { return given instanceof Buffer; }
    static isEncoding(name) {
      return ['utf8', 'utf-8', 'hex', 'base64', 'base64url', 'latin1', 'binary', 'ascii'].includes(String(name).toLowerCase());
    }
    static compare(one, other) { return one.compare(other); }
    static concat(list, length) {
      const size = length === undefined ? list.reduce((sum, one) => sum + one.length, 0) : length;
      const made = new Buffer(size);
      let at = 0;
      for (const one of list) {
        const part = one.subarray(0, Math.max(0, size - at));
        made.set(part, at);
        at += part.length;
      }
      return made;
    }
    toString(encoding, start, end) { return decode(this.subarray(start || 0, end === undefined ? this.length : end), encoding); }
    toJSON() { return { type: 'Buffer', data: Array.from(this) }; }
    equals(other) { return this.compare(other) === 0; }
    compare(other) {
      const least = Math.min(this.length, other.length);
      for (let i = 0; i < least; i++) if (this[i] !== other[i]) return this[i] < other[i] ? -1 : 1;
      return this.length === other.length ? 0 : this.length < other.length ? -1 : 1;
    }
    write(given, offset, length, encoding) {
      if (typeof offset === 'string') { encoding = offset; offset = 0; length = undefined; }
      const bytes = encode(given, encoding).slice(0, length);
      const part = bytes.slice(0, Math.max(0, this.length - (offset || 0)));
      this.set(part, offset || 0);
      return part.length;
    }
    fill(given, start, end, encoding) {
      if (typeof given !== 'string') return super.fill(given, start, end);
      const bytes = encode(given, encoding);
      for (let i = start || 0, k = 0; i < (end === undefined ? this.length : end); i++, k++) this[i] = bytes[k % bytes.length] || 0;
      return this;
    }
    slice(start, end) { return this.subarray(start, end); }
    readUInt8(at) { return this[at || 0]; }
    readUInt16BE(at) { return (this[at || 0] << 8) | this[(at || 0) + 1]; }
    readUInt32BE(at) { return this.readUInt16BE(at || 0) * 65536 + this.readUInt16BE((at || 0) + 2); }
    writeUInt8(value, at) { this[at || 0] = value; return (at || 0) + 1; }
    writeUInt16BE(value, at) { this[at || 0] = value >> 8; this[(at || 0) + 1] = value; return (at || 0) + 2; }
    writeUInt32BE(value, at) { this.writeUInt16BE(value >>> 16, at || 0); return this.writeUInt16BE(value & 65535, (at || 0) + 2); }
    static get [Symbol.species]() { return Buffer; }
  }

  class TextEncoder {
    get encoding() { return 'utf-8'; }
    encode(given) { return Uint8Array.from(utf8(given === undefined ? '' : given)); }
  }
  class TextDecoder {
    constructor(label) {
      if (label !== undefined && !['utf8', 'utf-8'].includes(String(label).toLowerCase())) throw new RangeError('unsupported encoding ' + label);
    }
    get encoding() { return 'utf-8'; }
    decode(given) {
      const decoded = given === undefined ? '' : text(bytesOf(given));
      return decoded.charCodeAt(0) === 0xfeff ? decoded.slice(1) : decoded;
    }
  }
  globalThis.TextEncoder = TextEncoder;
  globalThis.TextDecoder = TextDecoder;
  globalThis.btoa = (given) => {
    const bytes = Array.from(String(given), (one) => one.charCodeAt(0));
    if (bytes.some((one) => one > 255)) throw new TypeError('invalid character (>= U+00FF)');
    return base64(bytes, false);
  };
  globalThis.atob = (given) => decode(unbase64(given), 'latin1');
  globalThis.Buffer = Buffer;
  return { bytesOf, decode, utf8 };
})()
