// At viewer-request: redirects, members only, A/B, index pages.
import cf from 'cloudfront';
import crypto from 'crypto';

const settings = cf.kvs();

async function handler(event) {
    const request = event.request;
    const target = await lookup(`redirect ${request.uri}`);
    if (target !== null) {
        return { statusCode: 301, statusDescription: 'Moved Permanently', headers: { location: { value: target } } };
    }
    if (request.uri.startsWith('/members/')) {
        const member = token(request, await lookup('key'));
        if (member === null) {
            return { statusCode: 401, headers: { 'www-authenticate': { value: 'Bearer' } }, body: 'members only\n' };
        }
        console.log(`member ${member.sub} at ${request.uri}`);
    }
    if (request.uri.endsWith('/')) request.uri += 'index.html';
    const group = request.cookies.group ? request.cookies.group.value : 'a';
    if (request.uri === '/index.html' && group === 'b') request.uri = '/index-b.html';
    return request;
}

async function lookup(key) {
    return (await settings.exists(key)) ? settings.get(key) : null;
}

// The claims of the request's token; null where there is none, or where its signature or time is wrong.
function token(request, key) {
    const header = request.headers.authorization;
    const parts = header && key !== null ? header.value.replace(/^Bearer /, '').split('.') : [];
    if (parts.length !== 3) return null;
    const signature = crypto.createHmac('sha256', key).update(`${parts[0]}.${parts[1]}`).digest('base64url');
    if (signature !== parts[2]) return null;
    const claims = JSON.parse(Buffer.from(parts[1], 'base64url').toString());
    return claims.exp * 1000 > Date.now() ? claims : null;
}
