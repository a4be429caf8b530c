// A server for pages that use threads: it sends the headers that SharedArrayBuffer needs, and files of given folders only.
import { createReadStream } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';

const TYPES = {
  '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8', '.json': 'application/json', '.wasm': 'application/wasm', '.svg': 'image/svg+xml',
  '.png': 'image/png', '.woff2': 'font/woff2', '.ttf': 'font/ttf',
};

const HEADERS = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-store',  // every page starts alike: no compiled code is left from the one before
};

/**
 * Serves on 127.0.0.1; folders: {'/': FOLDER, '/site/': FOLDER}, the longest prefix wins; port 0: any free one.
 * Returns {address, close()}.
 */
export async function serve({ folders, port = 0 }) {
  const roots = await Promise.all(Object.entries(folders).map(async ([prefix, folder]) => {
    if (!/^\/(.*\/)?$/.test(prefix)) throw new Error(`The prefix '${prefix}' must begin and end with a slash.`);
    return { prefix, root: await realpath(folder) };
  }));
  roots.sort((a, b) => b.prefix.length - a.prefix.length);
  const server = createServer((request, response) => answer(roots, request, response));
  await new Promise((done, fail) => server.once('error', fail).listen(port, '127.0.0.1', done));
  return {
    address: `http://127.0.0.1:${server.address().port}`,
    close: () => new Promise((done) => {
      server.close(done);
      server.closeAllConnections();
    }),
  };
}

async function answer(roots, request, response) {
  const refuse = (status) => response.writeHead(status, { ...HEADERS, 'Content-Type': 'text/plain' }).end(`${status}\n`);
  if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(405);
  const file = await find(roots, request.url);
  if (!file) return refuse(404);
  response.writeHead(200, {
    ...HEADERS,
    'Content-Type': TYPES[extname(file.path)] ?? 'application/octet-stream',
    'Content-Length': file.size,
  });
  if (request.method === 'HEAD') return response.end();
  await pipeline(createReadStream(file.path), response).catch(() => response.destroy());  // the reader left
}

/** The file that an address names, {path, size}; null when there is none or when it lies outside of the folder. */
async function find(roots, address) {
  try {
    // Not through URL: it would resolve '..' before it can be refused.
    const path = decodeURIComponent(address.split(/[?#]/, 1)[0]);
    if (!path.startsWith('/') || /[\\\0]/.test(path) || path.split('/').includes('..')) return null;
    const { prefix, root } = roots.find((each) => path.startsWith(each.prefix)) ?? {};
    if (!root) return null;
    const name = path.slice(prefix.length);
    // A link may lead out of the folder too.
    const real = await realpath(join(root, name === '' || name.endsWith('/') ? `${name}index.html` : name));
    const about = await stat(real);
    return real.startsWith(root + sep) && about.isFile() ? { path: real, size: about.size } : null;
  } catch {
    return null;
  }
}
